#!/usr/bin/env bash
# test-summary.sh FILE.trx...: adds up the results that the test runner recorded and prints "PASSED FAILED SKIPPED".
# A test counts as skipped when the runner lists it without having executed it (the runner leaves notExecuted at 0).
set -euo pipefail

passed=0 failed=0 skipped=0
for file in "$@"; do
  counters=$(grep -o '<Counters [^>]*>' "$file" | tail -n 1) || {
    echo "error: $file holds no <Counters>: the test run did not finish" >&2
    exit 1
  }
  count() { [[ $counters =~ \ $1=\"([0-9]+)\" ]] && echo "${BASH_REMATCH[1]}" || echo 0; }
  passed=$((passed + $(count passed)))
  failed=$((failed + $(count failed) + $(count error) + $(count timeout) + $(count aborted)))
  skipped=$((skipped + $(count total) - $(count executed)))
done
echo "$passed $failed $skipped"
