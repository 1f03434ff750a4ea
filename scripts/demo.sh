#!/usr/bin/env bash
# Shows kith at work: a server on a free port with a temporary directory, real purchases in, three lookups out; then the
# tours of the other examples. Leaves nothing behind.

source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
source "$root/scripts/server.sh"
cd "$root"
PATH=$(dirname "$kith"):$PATH
forget_settings

# How `kith lookup` ends if it found nobody.
nothing_found=4

data=$(mktemp -d "${TMPDIR:-/tmp}/kith-demo.XXXXXX")

# Whatever ends the script, no server and no directory stays.
finish() {
  local status=$?
  trap - EXIT
  stop_server || true
  rm -rf "$data"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

tell() { printf '\n# %s\n' "$*"; }

# Prints the command as one would type it, then runs it.
show() {
  printf '$ %s\n' "$*"
  "$@"
}

tell "A server with an empty directory and the model of a shop."
printf '$ kith serve --model examples/cdnow/model.toml &\n'
start_server "$data/server.log" --data "$data/db" --model examples/cdnow/model.toml
printf 'kith listening on %s\n' "$KITH_SERVER"

tell "35,304 real purchases of 11,785 customers go in (examples/cdnow/README.md)."
show kith import examples/cdnow/cdnow.csv --mapping examples/cdnow/mapping.toml

tell "Who is customer 00003, and what have they bought? Every figure was kept up to date as the purchases came in."
show kith lookup user_id:00003 --fields orders.count,orders.revenue,orders.quantity,orders.first_at,orders.last_at

tell "Several customers in one call, from one consistent view of the data."
show kith lookup user_id:00001 user_id:00005 user_id:07983 --fields orders.count,orders.revenue

tell "A customer nobody knows is an answer too. The exit code says so to scripts: $nothing_found."
show kith lookup user_id:nobody --fields orders.count || (($? == nothing_found))

tell "The same over plain gRPC. The server describes itself, so that grpcurl needs no files."
grpc=(grpcurl -plaintext -d '{"keys":["user_id:00003"],"fields":["orders.count","orders.revenue"]}'
  "${KITH_SERVER#http://}" kith.v1.LookupService/Lookup)
printf "\$ grpcurl -plaintext -d '%s' %s %s\n" "${grpc[3]}" "${grpc[4]}" "${grpc[5]}"
if have grpcurl; then "${grpc[@]}"; else echo "(grpcurl is not installed here)"; fi

stop_server

# Takes the tour of an example on a server with its model. What it prints is held by tests/it/examples.rs.
tour() {
  local line before=
  tell "The tour of examples/$1, on a server with its model."
  start_server "$data/server.log" --data "$data/$1" --model "examples/$1/model.toml"
  while IFS= read -r line <&3; do
    case $line in
      '#'*)
        [[ $before == '#'* ]] || printf '\n'
        printf '%s\n' "$line"
        ;;
      # A lookup that finds nobody says so by its exit code.
      '$ '*) printf '%s\n' "$line" && { bash -c "${line#"$ "}" || (($? == nothing_found)); } ;;
    esac
    before=$line
  done 3<"examples/$1/tour.txt"
  stop_server
}

for example in newsletter b2b travel; do tour "$example"; done

tell "The server has stopped and its directory is gone. To go on, start one that stays:"
cat <<END
  make run                                # 127.0.0.1:7600, data in ./data, until Ctrl-C
and in another terminal:
  alias kith=$kith
  kith profile user_id:07983              # everything about one customer
  kith events user_id:07983               # their purchases, newest first
  kith lookup user_id:07983 --json        # for machines
  kith stats
  kith --help
END
