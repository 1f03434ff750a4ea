#!/usr/bin/env bash
# Measures kith on this machine against its floor (the same service without a lookup), bare RocksDB, Redis, and a tonic
# service over Redis; all in one run, turn by turn. Prints one table of ratios and writes target/bench/summary.json.
#
#   PROFILES=1000000   profiles of 30 attributes, 6 of which are read
#   SECONDS_EACH=10    length of a measurement, after WARMUP=2 seconds
#   ROUNDS=3           how often each is measured; the median counts
#
# PROFILES=20000 SECONDS_EACH=2 ROUNDS=1 is a quick trial of the script itself; its figures mean little.

source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
source "$root/scripts/server.sh"
source "$root/scripts/bench/servers.sh"
cd "$root"

profiles=${PROFILES:-1000000}
seconds=${SECONDS_EACH:-10}
warmup=${WARMUP:-2}
rounds=${ROUNDS:-3}
# As much as bare_rocksdb has: everything fits.
cache_mib=3072
answer_cache_mib=1024

out=$root/target/bench
data=$out/data
runs=$out/runs.ndjson
bin=$out/bin

clean_up() {
  stop_all
  rm -rf "$data"
}

keep() { tee -a "$runs" >&2; }

# figures NAME FIGURE=VALUE…: keeps figures that the script itself has measured.
figures() {
  local name=$1 figure list=""
  shift
  for figure in "$@"; do list+=${list:+,}"\"${figure%%=*}\":${figure#*=}"; done
  printf '{"name":"%s","figures":{%s}}\n' "$name" "$list" | keep
}

# field NAME <JSON: a number of a line of JSON.
field() { sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p" | tail -n 1; }

have_redis() {
  have redis-server && return
  if have apt-get && [[ $(id -u) == 0 ]]; then
    say "==> installing redis-server with apt-get"
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get -q install --yes --no-install-recommends redis-server >&2 &&
      return
  fi
  say "    skipped: everything with Redis, as there is no redis-server (install Debian's package redis-server)"
  return 1
}

# Runs from copies, so that a build that goes on meanwhile does not change what is measured.
build() {
  scripts/build.sh build --release --locked --bins --examples
  cp "$kith" "$CARGO_TARGET_DIR"/release/examples/{floor,bare_rocksdb,redis_client,tonic_over_redis} "$bin"
  kith=$bin/kith
  forget_settings
}

# Whatever else runs takes its share from one row and not from the next; so does a neighbour on the same hardware.
warn_if_busy() {
  local before after busy total
  before=$(processor_ticks)
  sleep 2
  after=$(processor_ticks)
  busy=$((${after% *} - ${before% *}))
  total=$((${after#* } - ${before#* }))
  ((busy * 20 < total)) ||
    say "warning: the processors are already $((100 * busy / total)) % busy; the ratios will suffer"
}

# Prints the ticks that all processors were not idle, and all ticks.
processor_ticks() { awk '/^cpu / { for (i = 2; i <= 9; i++) total += $i; print total - $5 - $6, total }' /proc/stat; }

# The servers. Redis keeps nothing on disk.

start_kith() {
  start kith "$kith" serve --listen "127.0.0.1:$kith_port" --data "$data/kith" --model benches/model.toml \
    --cache-mib "$cache_mib" --answer-cache-mib "$answer_cache_mib"
  kith_pid=$pid
  wait_until kith "$kith_pid" is_ready "$kith_port"
}

start_peers() {
  floor_port=$(free_port)
  start floor "$bin/floor" --port "$floor_port"
  floor_pid=$pid
  wait_until floor "$floor_pid" answers "$floor_port"

  $with_redis || return 0
  redis_port=$(free_port)
  start redis redis-server --port "$redis_port" --bind 127.0.0.1 --save "" --appendonly no --dir "$data"
  redis_pid=$pid
  wait_until redis "$redis_pid" answers "$redis_port"
  over_redis_port=$(free_port)
  start tonic_over_redis "$bin/tonic_over_redis" --port "$over_redis_port" --redis "127.0.0.1:$redis_port"
  over_redis_pid=$pid
  wait_until tonic_over_redis "$over_redis_pid" answers "$over_redis_port"
}

# The measurements. Each prints a line of JSON.

timing=(--seconds "$seconds" --warmup "$warmup" --json)

# lookups NAME PORT PIDS FLAG…
lookups() {
  local name=$1 port=$2 pids=() server
  for server in $3; do pids+=(--server-pid "$server"); done
  shift 3
  KITH_SERVER=http://127.0.0.1:$port "$kith" bench lookup --name "$name" --profiles "$profiles" "${pids[@]}" \
    "${timing[@]}" "$@" | keep
}

redis_client() {
  "$bin/redis_client" --redis "127.0.0.1:$redis_port" --profiles "$profiles" --server-pid "$redis_pid" \
    "${timing[@]}" "$@" | keep
}

load() {
  say "==> loading $profiles profiles"
  KITH_SERVER=http://127.0.0.1:$kith_port "$kith" --json bench load --profiles "$profiles" | keep
  settle "$kith_pid"
  if $with_redis; then redis_client load; fi
}

# restart_kith WHEN: starts kith again with a stopwatch, and weighs its data once they are at rest.
restart_kith() {
  local began
  say "==> starting kith again $1"
  stop "$kith_pid"
  began=$(date +%s%N)
  start_kith
  figures "start-up $1" "milliseconds=$((($(date +%s%N) - began) / 1000000))"
  settle "$kith_pid"
  KITH_SERVER=http://127.0.0.1:$kith_port "$kith" --json bench disk --profiles "$profiles" --name "disk $1" | keep
}

# Asks for nearly every customer once, so that the first row is measured like the others: seven draws for each.
warm_up_caches() {
  say "==> warming the caches"
  KITH_SERVER=http://127.0.0.1:$kith_port "$kith" bench lookup --mode batch --profiles "$profiles" \
    --warmup 0 --seconds $((profiles / 30000 + 1)) >/dev/null
}

measure_all() {
  local mode
  for mode in unary stream batch; do
    local name=$mode
    [[ $mode == batch ]] && name="batch 100"
    lookups "floor $name" "$floor_port" "$floor_pid" --mode "$mode"
    lookups "kith $name" "$kith_port" "$kith_pid" --mode "$mode"
  done
  "$bin/bare_rocksdb" --dir "$data/rocksdb" --profiles "$profiles" --name "bare rocksdb" "${timing[@]}" | keep
  if $with_redis; then
    redis_client --name "redis unary" unary
    redis_client --name "redis pipelined 100" pipelined 100
    lookups "tonic over redis" "$over_redis_port" "$over_redis_pid $redis_pid"
  fi
  lookups "kith unary zipf" "$kith_port" "$kith_pid" --keys zipf
  lookups "kith stream zipf" "$kith_port" "$kith_pid" --keys zipf --mode stream
  lookups "kith batch 100 zipf" "$kith_port" "$kith_pid" --keys zipf --mode batch
}

# A view of 20 fields beside the plain 6, over few customers, of whom all have said yes or no and a tenth hushes a topic.
speakers=$((profiles < 10000 ? profiles : 10000))

write_what_speakers_say() {
  say "==> $speakers customers say what is to be respected"
  seq 0 $((speakers - 1)) | awk '{
    person = sprintf("\"userId\": \"u%08d\", \"timestamp\": \"2026-01-01T00:00:00Z\"", $1)
    printf "{\"type\": \"consent\", \"messageId\": \"yes-%d\", %s, \"purpose\": \"marketing\", \"granted\": %s}\n", $1, person, ($1 % 20 ? "true" : "false")
    if ($1 % 10 == 0) printf "{\"type\": \"hush\", \"messageId\": \"hush-%d\", %s, \"topic\": \"weddings\"}\n", $1, person
  }' | KITH_SERVER=http://127.0.0.1:$kith_port "$kith" write - >&2
}

measure_views() {
  local mode what flags profiles=$speakers
  for mode in unary batch; do
    for what in plain view; do
      # One batch at a time for each thread of the client, so that the latency of one is seen and not that of a queue.
      flags=(--mode "$mode" --batch-size 500)
      [[ $mode == batch ]] && flags+=(--connections 2)
      [[ $what == view ]] && flags+=(--view letter)
      lookups "kith $what $mode$([[ $mode == batch ]] && echo " 500" || true)" "$kith_port" "$kith_pid" "${flags[@]}"
    done
  done
}

# What a customer costs who is asked for the first time, or was written since.
measure_none_kept() {
  local kept_mib=$answer_cache_mib mode
  say "==> keeping no answers"
  answer_cache_mib=0
  stop "$kith_pid"
  start_kith
  warm_up_caches
  for mode in unary stream batch; do
    lookups "kith $mode$([[ $mode == batch ]] && echo " 100" || true), none kept" "$kith_port" "$kith_pid" --mode "$mode"
  done
  profiles=$speakers lookups "kith view unary, none kept" "$kith_port" "$kith_pid" --view letter
  profiles=$speakers lookups "kith plain unary, none kept" "$kith_port" "$kith_pid"
  answer_cache_mib=$kept_mib
  stop "$kith_pid"
  start_kith
  warm_up_caches
}

# Lookups at shares of their capacity, quiet and beside writes at half of theirs.
measure_beside_writes() {
  local capacity rate facts share writer
  capacity=$(grep '"name":"kith unary"' "$runs" | field lookups_per_s)
  facts=$(grep '"name":"write stream"' "$runs" | field facts_per_s)
  facts=$((${facts%.*} / 2))
  for share in 32 8 4; do
    rate=$((${capacity%.*} / share))
    say "==> $rate lookups a second, quiet and beside $facts facts a second"
    settle "$kith_pid"
    lookups "kith unary at 1/$share, quiet" "$kith_port" "$kith_pid" --rate "$rate"
    KITH_SERVER=http://127.0.0.1:$kith_port "$kith" bench write --mode stream --profiles "$profiles" --rate "$facts" \
      --seconds $((seconds + warmup + 4)) --warmup 0 >/dev/null &
    writer=$!
    sleep 1
    lookups "kith unary at 1/$share, beside writes" "$kith_port" "$kith_pid" --rate "$rate"
    wait "$writer"
  done
}

# Latency without the queue of a saturated server: both at 70 % of what kith can do.
measure_at_rate() {
  local capacity rate
  capacity=$(grep '"name":"kith unary"' "$runs" | field lookups_per_s)
  rate=$((${capacity%.*} * 7 / 10))
  say "==> open loop at 70 % of kith's capacity: $rate lookups a second"
  lookups "floor unary at 70 %" "$floor_port" "$floor_pid" --rate "$rate"
  lookups "kith unary at 70 %" "$kith_port" "$kith_pid" --rate "$rate"
}

measure_writes() {
  local mode
  say "==> writing, each fact acknowledged after fsync"
  for mode in unary stream; do
    KITH_SERVER=http://127.0.0.1:$kith_port "$kith" bench write --mode "$mode" --name "write $mode" \
      --profiles "$profiles" --server-pid "$kith_pid" "${timing[@]}" | keep
  done
  measure_beside_writes
  figures "memory" "kith_resident_bytes=$(resident_bytes "$kith_pid")"
  settle "$kith_pid"
  restart_kith "after the writes"
}

main() {
  local round
  with_redis=true
  have_redis || with_redis=false
  rm -rf "$out"
  mkdir -p "$data" "$bin"
  build
  trap clean_up EXIT
  trap 'exit 130' INT TERM
  warn_if_busy
  start_peers
  kith_port=$(free_port)
  start_kith
  load
  restart_kith "after the load"
  warm_up_caches
  write_what_speakers_say
  for ((round = 1; round <= rounds; round++)); do
    say "==> round $round of $rounds"
    measure_all
    measure_views
    ! grep '"complete":0' "$runs" >&2 || die "the answers above lack fields, so the comparison is void"
  done
  measure_at_rate
  measure_none_kept
  measure_writes
  stop_all

  say "==> $(nproc) cores of $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
  "$kith" bench report "$runs" --summary "$out/summary.json"
  say "==> $out/summary.json"
}

main
