# shellcheck shell=bash disable=SC2154 # env.sh assigns `kith`
# Starts and stops a kith server on a free port for as long as a script runs. Sourced after env.sh, never run.

server=""

# Forgets the settings of whoever runs the script: a kith.toml or a KITH_ variable is for their server, not for this one.
forget_settings() {
  unset "${!KITH_@}"
  export KITH_CONFIG=/dev/null
}

# start_server LOG ARGUMENT…: starts `kith serve`, sets `server` to its process and KITH_SERVER, which the client
# commands read, to its address. LOG receives what the server says.
start_server() {
  local log=$1 address="" tries
  shift
  : >"$log"
  "$kith" serve --listen 127.0.0.1:0 "$@" 2>"$log" &
  server=$!
  for ((tries = 0; tries < 600; tries++)); do
    address=$(sed -n 's/^kith listening on \(http[^ ]*\).*/\1/p' "$log")
    [[ -n $address ]] && break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.05
  done
  if [[ -z $address ]]; then
    cat "$log" >&2
    die "the server did not start; its own words are above"
  fi
  export KITH_SERVER=$address
}

# Asks the server to stop, and waits until it has finished what it was doing. Harmless if none runs.
stop_server() {
  [[ -n $server ]] || return 0
  local process=$server
  server=""
  kill -TERM "$process" 2>/dev/null || true
  wait "$process"
}
