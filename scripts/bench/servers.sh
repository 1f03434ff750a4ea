# shellcheck shell=bash
# Starts, watches and stops the servers of a benchmark. Sourced by scripts/bench.sh and scripts/bench/growth.sh, which set
# `out`.
#
# Every server listens on loopback, logs to $out/NAME.log, and is gone when the script ends, however it ends.

servers=()

# start NAME COMMAND…: sets `pid`.
start() {
  local name=$1
  shift
  "$@" >"$out/$name.log" 2>&1 &
  pid=$!
  servers+=("$pid")
}

# Ends a server as its operator would, and by force if it does not listen.
stop() {
  local tries
  kill -TERM "$1" 2>/dev/null || return 0
  for ((tries = 0; tries < 300; tries++)); do
    kill -0 "$1" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}

stop_all() {
  local server
  for server in "${servers[@]}"; do stop "$server"; done
  servers=()
}

# Prints a port of this machine that nobody listens on.
free_port() {
  local port tries
  for ((tries = 0; tries < 100; tries++)); do
    port=$((20000 + RANDOM % 12000))
    answers "$port" || { echo "$port" && return; }
  done
  die "no free port found between 20000 and 32000"
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# GET /readyz says 200.
is_ready() {
  local status
  status=$({ exec 3<>"/dev/tcp/127.0.0.1/$1" && printf 'GET /readyz HTTP/1.1\r\nHost: kith\r\nConnection: close\r\n\r\n' >&3 &&
    head -n 1 <&3; } 2>/dev/null) && [[ $status == *" 200 "* ]]
}

# wait_until NAME PID CHECK PORT: polls every 5 ms for at most 60 s.
wait_until() {
  local name=$1 server=$2 check=$3 port=$4 tries
  for ((tries = 0; tries < 12000; tries++)); do
    "$check" "$port" && return
    kill -0 "$server" 2>/dev/null || break
    sleep 0.005
  done
  tail -n 20 "$out/$name.log" >&2
  die "$name did not start; its log is $out/$name.log"
}

# CPU time of a process in hundredths of a second: fields 14 and 15 of its stat, counted after the name.
cpu_ticks() {
  local stat fields
  stat=$(<"/proc/$1/stat")
  read -ra fields <<<"${stat##*) }"
  echo $((fields[11] + fields[12]))
}

# settle PID [SECONDS]: waits, at most two minutes if not told otherwise, until a server has no more work left over, such as
# compactions after a load.
settle() {
  local before after second most=${2:-120}
  before=$(cpu_ticks "$1")
  for ((second = 0; second < most; second++)); do
    sleep 1
    after=$(cpu_ticks "$1")
    ((after - before > 2)) || return 0
    before=$after
  done
  say "warning: the server is still at work after $most s; what is measured next suffers"
}

resident_bytes() { awk '/^VmRSS:/ { printf "%.0f\n", $2 * 1024 }' "/proc/$1/status"; }
