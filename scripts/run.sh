#!/usr/bin/env bash
# Serves ./data on 127.0.0.1:7600 until it is stopped. An empty ./data gets the purchases of examples/cdnow first;
# otherwise it is served as it is.

source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
source "$root/scripts/server.sh"
cd "$root"

data=data
model=examples/cdnow/model.toml

is_empty() { [[ -z $(ls -A "$data" 2>/dev/null) ]]; }

# Half an import would look like data worth keeping: unless it ends well, the directory is emptied again.
discard() {
  local status=$?
  trap - EXIT
  stop_server || true
  rm -rf "$data" "$log"
  exit "$status"
}

fill() (
  forget_settings
  say "==> ./data is empty: importing the purchases of examples/cdnow, once"
  log=$(mktemp "${TMPDIR:-/tmp}/kith-import.XXXXXX")
  trap discard EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  start_server "$log" --data "$data" --model "$model"
  "$kith" import examples/cdnow/cdnow.csv --mapping examples/cdnow/mapping.toml
  stop_server
  rm "$log"
  trap - EXIT
)

if is_empty; then fill; fi
say "==> serving ./data; stop with Ctrl-C, start over with 'make clean-data'"
say "    kith is $kith"
exec "$kith" serve --data "$data" --model "$model"
