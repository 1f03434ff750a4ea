# shellcheck shell=bash disable=SC2034 # the variables are for the scripts that source this
# What every script shares: where builds go and which tools they use. Sourced, never run.
#
# All clones of kith on a machine share one target directory, so that RocksDB's C++ is compiled once. A
# CARGO_TARGET_DIR of your own is respected. No variable here starts with KITH_: those configure the server, which
# refuses the ones it does not know.

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kith
tools=$cache/tools

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
kith=$CARGO_TARGET_DIR/release/kith

# The oldest Rust that builds kith is also the one a fresh machine gets: Cargo.toml says it once.
rust_version=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$root/Cargo.toml")

# A Rust that set-up installed a moment ago is not on the PATH of the shell that called make.
case ":$PATH:" in
  *:"${CARGO_HOME:-$HOME/.cargo}/bin":*) ;;
  *) PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH ;;
esac
PATH=$PATH:$tools/bin
export PATH

# Without root, set-up puts libclang into the cache; it finds the compiler's own headers only if told where.
libclang_dir=$tools/libclang/clang/native
if [[ -z ${LIBCLANG_PATH:-} && -d $libclang_dir ]]; then
  LIBCLANG_PATH=$libclang_dir
  BINDGEN_EXTRA_CLANG_ARGS="-I$(g++ -print-file-name=include)"
  export LIBCLANG_PATH BINDGEN_EXTRA_CLANG_ARGS
fi

say() { printf '%s\n' "$*" >&2; }

die() {
  say "error: $*"
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }
