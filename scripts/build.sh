#!/usr/bin/env bash
# Runs a cargo command, `build --release --locked` unless another is given, and never leaves the reader in the dark:
# the first build on a machine compiles RocksDB's C++ for 10 to 20 minutes, in which cargo itself says nothing.

source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$root"

# The number of C++ files of RocksDB 11.8; the real one is read once cargo has fetched the sources.
rocksdb_files_about=343
quiet_seconds=15

rocksdb_dirs() { compgen -G "$CARGO_TARGET_DIR/release/build/librocksdb-sys-*/invoked.timestamp" || true; }

# Cargo stamps the directory when RocksDB's build script starts, and writes `output` when it has ended well.
is_finished() { [[ -e $1/output && ! $1/invoked.timestamp -nt $1/output ]]; }

rocksdb_is_built() {
  local stamp
  while read -r stamp; do
    is_finished "${stamp%/*}" && return 0
  done < <(rocksdb_dirs)
  return 1
}

rocksdb_files() {
  local list
  list=$(compgen -G "${CARGO_HOME:-$HOME/.cargo}/registry/src/*/librocksdb-sys-*/rocksdb_lib_sources.txt" | tail -n 1)
  if [[ -n $list ]]; then wc -l <"$list"; else echo "$rocksdb_files_about"; fi
}

minutes() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

# Prints how far RocksDB is, or nothing while it is not being compiled. A directory at rest belongs to a build that
# was broken off.
rocksdb_progress() {
  local stamp dir compiled total seconds left=""
  while read -r stamp; do
    dir=${stamp%/*}
    is_finished "$dir" && continue
    [[ -n $(find "$dir/out" -maxdepth 0 -mmin -3 2>/dev/null) ]] || continue
    compiled=$(find "$dir/out" -name '*.o' -newer "$stamp" | wc -l)
    total=$(rocksdb_files)
    seconds=$(($(date +%s) - $(stat -c %Y "$stamp")))
    ((compiled < 20)) || left=", about $((seconds * (total - compiled) / compiled / 60 + 1)) min left"
    printf 'RocksDB: %d of about %d C++ files compiled in %s%s' "$compiled" "$total" "$(minutes "$seconds")" "$left"
    return
  done < <(rocksdb_dirs)
}

# Passes cargo's lines on. In the silence between them it says what is going on: on a terminal as one line that is
# written over, elsewhere as a line now and then.
narrate() {
  local line status wait=$quiet_seconds current="starting" shown=""
  [[ -t 2 ]] && wait=1
  while true; do
    status=0
    IFS= read -r -t "$wait" line || status=$?
    if ((status == 0)); then
      [[ -t 2 && -n $shown ]] && printf '\r\e[K' >&2 && shown=""
      printf '%s\n' "$line" >&2
      current=$line
    elif ((status > 128)); then
      shown=$(rocksdb_progress)
      shown=${shown:-"$(minutes $SECONDS) since the start, last: $(plain "$current")"}
      if [[ -t 2 ]]; then printf '\r\e[K    %s' "$shown" >&2; else printf '    %s\n' "$shown" >&2; fi
    else
      [[ -t 2 && -n $shown ]] && printf '\r\e[K' >&2
      return 0
    fi
  done
}

# Cargo's line without colours, indentation and the rest of a long message.
plain() { sed -e 's/\x1b\[[0-9;]*m//g' -e 's/^ *//' <<<"$1" | cut -c 1-45; }

# To cargo the sources of all clones are one package, and it goes by their dates: what another clone built last could pass
# for a build of this one. So the sources of a clone that takes over are dated now.
take_over() {
  local builder=$CARGO_TARGET_DIR/.built-by
  [[ $(cat "$builder" 2>/dev/null) == "$root" ]] && return 0
  find src tests benches proto build.rs -type f -exec touch -c {} +
  mkdir -p "$CARGO_TARGET_DIR"
  printf '%s\n' "$root" >"$builder"
}

(($# > 0)) || set -- build --release --locked
take_over
if ! rocksdb_is_built; then
  say "==> the first build on this machine: RocksDB's C++ takes 10 to 20 minutes on two cores."
  say "    It is compiled once, for every command and every clone, into $CARGO_TARGET_DIR"
fi
if [[ -t 2 && -z ${NO_COLOR:-} ]]; then export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-always}; fi
export CARGO_TERM_PROGRESS_WHEN=never
cargo "$@" 2>&1 | narrate
