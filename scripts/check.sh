#!/usr/bin/env bash
# Everything that is checked besides the tests: format, lints, documentation, dependencies, proto style. A check that
# cannot be made here (no network, no npx) is named as skipped; one that fails ends the run.

source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$root"

cargo_deny_version=0.20.2
buf_package=@bufbuild/buf@1.75.0
# Seconds that a download may take before the network counts as absent.
patience=120

step() { say "==> $*"; }
skipped() { say "    skipped: $*"; }

check_format() {
  step "format: cargo fmt --check"
  cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt >&2
  cargo fmt --check
}

check_lints() {
  step "lints: cargo clippy, a warning is an error"
  cargo clippy --version >/dev/null 2>&1 || rustup component add clippy >&2
  scripts/build.sh clippy --release --locked --all-targets -- -D warnings
}

check_documentation() {
  step "documentation: cargo doc, a warning is an error"
  RUSTDOCFLAGS="-D warnings" scripts/build.sh doc --release --locked --no-deps --document-private-items
}

install_cargo_deny() {
  [[ $("$tools/bin/cargo-deny" --version 2>/dev/null) == "cargo-deny $cargo_deny_version" ]] && return 0
  say "    installing cargo-deny $cargo_deny_version into $tools, once, about 5 minutes on two cores"
  CARGO_TARGET_DIR=$tools/build nice cargo install --locked cargo-deny --version "$cargo_deny_version" --root "$tools"
  rm -rf "$tools/build"
}

# The advisory database is not on a package registry: a machine that reaches only those keeps the copy it has, if any.
check_dependencies() {
  step "dependencies: licences, bans, sources, advisories (deny.toml)"
  install_cargo_deny
  cargo deny --locked check --hide-inclusion-graph licenses bans sources
  if GIT_TERMINAL_PROMPT=0 timeout "$patience" cargo deny fetch db >/dev/null 2>&1; then
    cargo deny --frozen check --hide-inclusion-graph advisories
  elif compgen -G "${CARGO_HOME:-$HOME/.cargo}/advisory-dbs/*/.git" >/dev/null; then
    say "    the advisory database cannot be fetched now; using the copy that is here"
    cargo deny --frozen check --hide-inclusion-graph advisories
  else
    skipped "advisories, as their database cannot be fetched from here and there is no earlier copy"
  fi
}

check_protos() {
  step "protos: buf lint (buf.yaml)"
  if ! have npx; then
    skipped "buf, as there is no npx (install nodejs and npm to have it)"
  elif ! timeout "$patience" npx --yes "$buf_package" --version >/dev/null 2>&1; then
    skipped "buf, as npx cannot fetch $buf_package from here"
  else
    npx --yes "$buf_package" lint
  fi
}

check_scripts() {
  step "scripts: shellcheck"
  if have shellcheck; then
    shellcheck --external-sources --source-path=scripts scripts/*.sh scripts/bench/*.sh .ci/run
  else
    skipped "shellcheck, as it is not installed"
  fi
}

check_format
check_lints
check_documentation
check_dependencies
check_protos
check_scripts
say "==> all checks passed"
