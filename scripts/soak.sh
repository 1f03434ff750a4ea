#!/usr/bin/env bash
# Holds the properties of `make test` against many more random histories than it does, for as many operations as asked
# for. An operation is one fact or one correction; a difference is a property that does not hold, and is printed with
# the shortest history that shows it. Then reads and writes on many connections (tests/it/linear.rs), where an operation is
# a write or an answer, and a difference a run with an answer that cannot be.
#
#   OPERATIONS=5000000           how many facts and corrections, at least
#   LINEAR_OPERATIONS=10000000   how many writes and answers, at least

source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$root"

wanted=${OPERATIONS:-5000000}
linear_wanted=${LINEAR_OPERATIONS:-10000000}
# One run is one cargo test. A case has some 30 operations.
cases_a_run=50000
output=$(mktemp "${TMPDIR:-/tmp}/kith-soak.XXXXXX")
trap 'rm -f "$output"' EXIT

# The modules of tests that take their number of cases from KITH_CASES, but for the one that has a turn of its own.
mapfile -t modules < <(grep -rlE 'KITH_CASES|for_all\(' tests/it --include='*.rs' |
  sed -E 's#^tests/it/([a-z_]+).*#\1::#' | grep -v '^linear::' | sort -u)

scripts/build.sh test --release --locked --test it --no-run
SECONDS=0
operations=0
differences=0
while ((operations < wanted && differences == 0)); do
  cases=$(((wanted - operations) / 30 + 1000))
  ((cases < cases_a_run)) || cases=$cases_a_run
  if ! KITH_CASES=$cases cargo test --release --locked --test it -- --nocapture "${modules[@]}" >"$output" 2>&1; then
    cat "$output" >&2
    differences=$(grep -c '^test .* FAILED$' "$output" || true)
    ((differences > 0)) || die "the tests did not run to their end"
  fi
  run=$(awk '/ cases, [0-9]+ operations$/ { sum += $(NF - 1) } END { print sum + 0 }' "$output")
  ((run > 0)) || die "no test said how many operations it had; is it run by for_all (tests/it/resolution.rs)?"
  operations=$((operations + run))
  say "    $operations operations after $SECONDS s"
done

printf 'soak: %d operations, %d s, %d differences\n' "$operations" "$SECONDS" "$differences"
((differences == 0))

SECONDS=0
# Ten operations for a case.
if ! KITH_CASES=$((linear_wanted / 10)) cargo test --release --locked --test it -- --nocapture linear:: >"$output" 2>&1; then
  cat "$output" >&2
  die "an answer was stale, or the tests did not run to their end"
fi
grep -E '^linear.*: [0-9]+ operations in ' "$output" >&2
operations=$(awk -F ': ' '/^linear.*: [0-9]+ operations in / { sum += $2 } END { print sum + 0 }' "$output")
((operations >= linear_wanted)) || die "only $operations writes and answers"
printf 'soak: %d writes and answers, %d s, none stale\n' "$operations" "$SECONDS"
