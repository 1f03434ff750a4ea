#!/usr/bin/env bash
# Prints the path of a working grpcurl, or nothing if there is none. Installs it into the cache when Go is here.
# Always ends with 0: whoever needs grpcurl decides what its absence means.

source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

grpcurl_package=github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3

works() { "$1" --version >/dev/null 2>&1; }

if found=$(command -v grpcurl) && works "$found"; then
  echo "$found"
elif have go; then
  say "==> installing grpcurl into $tools/bin with go install, once, about 2 minutes on two cores"
  if GOBIN=$tools/bin timeout 600 go install "$grpcurl_package" >&2 && works "$tools/bin/grpcurl"; then
    echo "$tools/bin/grpcurl"
  else
    say "    grpcurl could not be installed"
  fi
else
  say "    no grpcurl here, and no Go to install it with"
fi
