#!/usr/bin/env bash
# test.sh fast|slow|gpu|network|processes|foreign|browser|fuzz: runs that share of every test project, one project after the other (the fast ones
# in two lanes), all of them even when one fails. The last line printed is "N passed, N failed, N skipped", counted from the runner's own records.
# GENOSEQ_TEST_SUMMARY=FILE: the line goes into FILE instead. PROJECTS="A B": only these test projects.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

share=${1:-fast}
case $share in
  fast) filter='Category!=Slow&Category!=Gpu&Category!=Network&Category!=Processes&Category!=Foreign&Category!=Browser&Category!=Fuzz' limit_s=600 hang=3m ;;
  slow) filter='Category=Slow' limit_s=3600 hang=30m ;;
  gpu) filter='Category=Gpu' limit_s=3600 hang=30m ;;
  network) filter='Category=Network' limit_s=1200 hang=10m ;;
  processes) filter='Category=Processes' limit_s=1200 hang=5m ;;
  foreign) filter='Category=Foreign' limit_s=1200 hang=5m ;;
  browser) filter='Category=Browser' limit_s=600 hang=5m ;;
  fuzz) filter='Category=Fuzz' limit_s=86400 hang=24h ;;
  *) die 2 "unknown share of the tests '$share'" "expected: fast, slow, gpu, network, processes, foreign, browser or fuzz" ;;
esac
require_dotnet
cd "$ROOT"

results=$ARTIFACTS/test-results
rm -rf "$results"
mkdir -p "$results"

projects=()
for project in tests/*/*.Tests.csproj; do
  name=$(basename "$project" .csproj)
  [[ -n ${PROJECTS:-} && " $PROJECTS " != *" $name "* ]] || projects+=("$name")
done
((${#projects[@]} > 0)) || die 2 "no test project selected" "expected in PROJECTS: names of folders in tests/"

# Fast tests run in two lanes. Those here wait for one core's worth of fuzzing, or take one core each; the others start processes, or wait for clocks.
beside_projects=" GenoSeq.Data.Tests GenoSeq.Inference.Tests GenoSeq.Numerics.Tests "

# At a terminal Ctrl-C must reach the runner.
foreground=()
[[ ! -t 2 ]] || foreground=(--foreground)

# Output of a project, whole, when it has ended; its exit code and seconds go into files for the count below.
run_project() {
  local name=$1 start=$SECONDS code=0
  # A test that hangs is named and ends its project; the limit is for a project that is slow as a whole.
  timeout "${foreground[@]}" --kill-after=30 "$limit_s" dotnet test "$ARTIFACTS/bin/$name/release/$name.dll" --filter "$filter" \
    --results-directory "$results" --logger "trx;LogFileName=$name.trx" --logger "console;verbosity=minimal" \
    --blame-hang --blame-hang-timeout "$hang" \
    </dev/null >"$results/$name.out" 2>&1 || code=$?
  printf '%d %d\n' "$code" $((SECONDS - start)) >"$results/$name.end"
}

lane=() second=()
for name in "${projects[@]}"; do
  if [[ $share == fast && $beside_projects == *" $name "* ]]; then second+=("$name"); else lane+=("$name"); fi
done
beside=()
if ((${#second[@]} > 0)); then
  (for name in "${second[@]}"; do run_project "$name"; done) &
  beside=($!)
  trap '((${#beside[@]} == 0)) || kill "${beside[@]}" 2>/dev/null || true' EXIT
fi

records=() complaints=() started=$SECONDS
report() {
  local name=$1 record=$results/$1.trx code seconds counts='0 0 0' passed failed skipped
  printf '\n== %s\n' "$name"
  cat "$results/$name.out"
  read -r code seconds <"$results/$name.end"
  if [[ -f $record ]]; then
    if counts=$(bash scripts/test-summary.sh "$record"); then records+=("$record"); else counts='0 0 0'; fi
  fi
  read -r passed failed skipped <<<"$counts"
  printf -- '-- %s: %d passed, %d failed, %d skipped in %d s\n' "$name" "$passed" "$failed" "$skipped" "$seconds"
  if ((code == 124 || code == 137)); then
    complaints+=("$name was ended after $limit_s s")
  elif ((code != 0 && failed == 0)); then
    complaints+=("$name: the runner ended with exit code $code and no failed test: it crashed or hung")
  elif [[ $share == fast ]] && ((passed + failed + skipped == 0)); then
    complaints+=("$name produced no results")
  fi
}

for name in "${lane[@]}"; do
  run_project "$name"
  report "$name"
done
if ((${#beside[@]} > 0)); then
  wait "${beside[@]}" || true
  beside=()
  for name in "${second[@]}"; do report "$name"; done
fi

read -r passed failed skipped < <(bash scripts/test-summary.sh "${records[@]}")
((passed + failed > 0)) || complaints+=("no test ran")
printf '\nAll test projects: %d s\n' $((SECONDS - started))
for complaint in "${complaints[@]}"; do printf 'error: %s\n' "$complaint"; done
# Names of failed tests once more, at the end, where a log that is cut at the front still has them.
sed -nE 's/.*<UnitTestResult [^>]*testName="([^"]*)"[^>]*outcome="Failed".*/failed: \1/p' "${records[@]}" </dev/null
summary="$passed passed, $failed failed, $skipped skipped"
if [[ -n ${GENOSEQ_TEST_SUMMARY:-} ]]; then printf '%s\n' "$summary" >"$GENOSEQ_TEST_SUMMARY"; else printf '%s\n' "$summary"; fi
((failed == 0 && ${#complaints[@]} == 0))
