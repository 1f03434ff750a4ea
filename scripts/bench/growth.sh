#!/usr/bin/env bash
# Measures how kith grows: the same lookups over more and more profiles with the same memory. Each size is loaded anew;
# prints one table.
#
#   SIZES="1000000 10000000"   profiles of 30 attributes
#   SECONDS_EACH=10            length of a measurement, after WARMUP=5 seconds
#   CACHE_MIB=2560 ANSWER_CACHE_MIB=768   memory for stored data and for answers: within 4 GiB with what a server takes
#                              besides for 10,000,000 profiles; for 30,000,000 give 2048 and 640
#   FILL=300                   seconds, more than 0, of streams of lookups by zipf keys before all else, which fill the caches
#
# A million profiles take 0.6 GB of disk when compacted, twice that meanwhile, and with two cores a minute to load: the two
# sizes above some 12 GB and half an hour.

source "$(dirname "${BASH_SOURCE[0]}")/../env.sh"
source "$root/scripts/server.sh"
source "$root/scripts/bench/servers.sh"
cd "$root"

sizes=${SIZES:-1000000 10000000}
# What RocksDB gives back is used again by any thread, as README.md advises.
export MALLOC_ARENA_MAX=2
timing=(--seconds "${SECONDS_EACH:-10}" --warmup "${WARMUP:-5}" --json)
memory=(--cache-mib "${CACHE_MIB:-2560}" --answer-cache-mib "${ANSWER_CACHE_MIB:-768}")

out=$root/target/bench-growth
runs=$out/runs.ndjson

clean_up() {
  stop_all
  rm -rf "$out/data"
}

keep() { tee -a "$runs" >&2; }

start_kith() {
  start kith "$kith" serve --listen "127.0.0.1:$port" --data "$out/data" --model benches/model.toml "${memory[@]}"
  wait_until kith "$pid" is_ready "$port"
}

# grow PROFILES
grow() {
  local profiles=$1 began mode keys
  say "==> $profiles profiles"
  rm -rf "$out/data"
  start_kith
  "$kith" bench load --json --profiles "$profiles" | keep
  settle "$pid" 900
  stop "$pid"
  began=$(date +%s%N)
  start_kith
  printf '{"name":"start-up %s","figures":{"milliseconds":%s}}\n' "$profiles" $((($(date +%s%N) - began) / 1000000)) | keep
  settle "$pid"
  "$kith" bench disk --json --profiles "$profiles" --name "disk $profiles" | keep
  "$kith" bench lookup --name "fill $profiles" --profiles "$profiles" --keys zipf --mode stream --server-pid "$pid" \
    --seconds "${FILL:-300}" --warmup 1 --json | keep
  for keys in zipf uniform; do
    for mode in unary stream; do
      "$kith" bench lookup --name "$mode $keys $profiles" --profiles "$profiles" --keys "$keys" --mode "$mode" \
        --server-pid "$pid" "${timing[@]}" | keep
    done
  done
  printf '{"name":"memory %s","figures":{"resident_bytes":%s}}\n' "$profiles" "$(resident_bytes "$pid")" | keep
  stop "$pid"
}

rm -rf "$out"
mkdir -p "$out"
scripts/build.sh build --release --locked --bins
cp "$kith" "$out/kith"
kith=$out/kith
forget_settings
trap clean_up EXIT
trap 'exit 130' INT TERM
port=$(free_port)
export KITH_SERVER=http://127.0.0.1:$port
for size in $sizes; do grow "$size"; done
"$kith" bench report "$runs"
