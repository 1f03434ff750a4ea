#!/usr/bin/env bash
# Builds and runs every test. The build is a step of its own because it shows how far it is.

source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$root"

scripts/build.sh test --release --locked --no-run
cargo test --release --locked
