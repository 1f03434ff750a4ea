#!/usr/bin/env bash
# Makes a machine ready to build kith: a C++ compiler, libclang, Rust. Installs what is missing, says what, asks
# nothing, and does nothing at all when everything is there. Safe to run at any time.

source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

# The wheel that stands in for Debian's libclang where nobody may install packages.
libclang_wheel=libclang==18.1.1
ca_bundle=/etc/ssl/certs/ca-certificates.crt

any_file() {
  local pattern
  for pattern in "$@"; do
    compgen -G "$pattern" >/dev/null && return 0
  done
  return 1
}

# bindgen loads libclang while it builds, and needs clang's own headers (stddef.h and the like) beside it.
have_libclang() {
  [[ -n ${LIBCLANG_PATH:-} ]] && return 0
  any_file /usr/{,local/}lib{,64,/*-linux-gnu,/llvm*/lib,64/llvm*/lib64}/libclang{.so,.so.*,-[0-9]*.so*} &&
    any_file /usr/{,local/}lib{,64,/llvm*/lib,64/llvm*/lib}/clang/*/include/stddef.h
}

have_compiler() { have g++ && have cc; }

# True if Rust is there and new enough.
have_rust() {
  local found
  have cargo && found=$(cargo --version 2>/dev/null) || return 1
  found=${found#cargo }
  found=${found%%[ -]*}
  [[ $(printf '%s\n%s\n' "$rust_version" "$found" | sort -V | head -n 1) == "$rust_version" ]]
}

# Sets `as_root` to the command that runs another one as root; fails if there is none that asks nothing.
find_root() {
  if [[ $(id -u) == 0 ]]; then
    as_root=(env)
  elif have sudo && sudo -n true 2>/dev/null; then
    as_root=(sudo -n env)
  else
    return 1
  fi
}

apt() { "${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" >&2; }

# A machine that has just started may hold the package lists itself for a minute.
apt_update() {
  apt update || { say "trying again in 30 s"; sleep 30; apt update; }
}

install_packages() {
  have apt-get || die "kith needs $* (Debian's names). This is no Debian or Ubuntu: install what your system calls" \
    "them (Fedora: gcc-c++ clang-devel; Arch: gcc clang; Alpine: g++ clang-dev), then run this again."
  find_root || die "kith needs the packages $*, and only root may install them. Run" \
    "'apt-get install $*' as root, then this again."
  say "==> installing $* with apt-get"
  apt_update
  apt install --yes --no-install-recommends "$@"
}

# The wheel holds the library without clang's headers; env.sh points it at those of the C++ compiler.
install_libclang_wheel() {
  say "==> no root here: installing $libclang_wheel into $tools/libclang with pip instead of the package libclang-dev"
  python3 -m pip install --quiet --disable-pip-version-check --target "$tools/libclang" "$libclang_wheel" >&2
}

install_system_part() {
  local missing=()
  have_compiler || missing+=(g++)
  have_libclang || missing+=(libclang-dev)
  if have apt-get; then
    have cargo || have curl || missing+=(curl)
    [[ -e $ca_bundle ]] || missing+=(ca-certificates)
  fi
  case "${missing[*]}" in
    "") ;;
    libclang-dev)
      if ! find_root && have python3 && python3 -m pip --version >/dev/null 2>&1; then
        install_libclang_wheel
      else
        install_packages libclang-dev
      fi
      ;;
    *) install_packages "${missing[@]}" ;;
  esac
}

toolchain_parts=(--profile minimal --component clippy --component rustfmt)

install_rust() {
  if have rustup; then
    say "==> installing Rust $rust_version with the rustup that is here"
    rustup toolchain install "$rust_version" "${toolchain_parts[@]}" >&2
    # For this clone alone: the machine's default is its owner's choice.
    rustup override set "$rust_version" --path "$root" >&2
  elif have cargo; then
    die "$(cargo --version) is too old: kith needs $rust_version, and there is no rustup here to install it." \
      "Remove that cargo to let this script install Rust, or install Rust $rust_version yourself."
  elif apt_has_rustup; then
    install_packages rustup
    install_rust
  else
    install_rustup
  fi
  have_rust || die "cargo is still older than $rust_version: $(cargo --version 2>&1). Check 'rustup show'."
}

apt_has_rustup() {
  have apt-cache && find_root && [[ -n $(apt-cache --quiet=2 search --names-only '^rustup$' 2>/dev/null) ]]
}

# The Rust project's own installer, checked against the digest published beside it. It writes to ~/.rustup and
# ~/.cargo, and leaves the shell's start-up files alone.
install_rustup() {
  local url directory
  url=${RUSTUP_UPDATE_ROOT:-https://static.rust-lang.org/rustup}/dist/$(uname -m)-unknown-linux-gnu/rustup-init
  directory=$(mktemp -d)
  say "==> installing Rust $rust_version with rustup into ${CARGO_HOME:-$HOME/.cargo}"
  download "$url" "$directory/rustup-init"
  download "$url.sha256" "$directory/digest"
  (cd "$directory" && printf '%s  rustup-init\n' "$(cut -d ' ' -f 1 digest)" | sha256sum --quiet --check) ||
    die "the rustup installer does not match its published digest; nothing of Rust was installed"
  chmod +x "$directory/rustup-init"
  "$directory/rustup-init" -y --quiet --no-modify-path --default-toolchain "$rust_version" "${toolchain_parts[@]}" >&2
  rm -r "$directory"
}

download() {
  curl --proto '=https' --tlsv1.2 -fsS --retry 3 -o "$2" "$1" ||
    die "cannot download $1 (see above). Install Rust $rust_version your own way, then run this again."
}

cd "$root"
[[ $(uname -s) == Linux ]] || die "the scripts know Linux only. Elsewhere install Rust $rust_version, a C++20 compiler" \
  "and libclang, then use cargo directly."
install_system_part
have_rust || install_rust
