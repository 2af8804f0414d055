#!/usr/bin/env bash
# Runs every recipe of configs/studies at toy size on the CPU and writes its report: the machinery, not the results.
# study-smoke.sh [OUT]: the folder of cells and reports, artifacts/study-smoke if not given; what is there is removed first.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$ROOT"

out=${1:-$ARTIFACTS/study-smoke}
rm -rf "$out"
mkdir -p "$out" "$LOGS"
started=$SECONDS
failed=()
for recipe in configs/studies/*.yaml; do
  name=$(basename "$recipe" .yaml)
  from=$SECONDS
  if ! ./genoseq study "$recipe" --smoke --out "$out/$name" </dev/null >"$LOGS/study-$name.log" 2>&1; then
    failed+=("$name")
    tail -n 20 "$LOGS/study-$name.log" >&2
  elif [[ ! -s $out/$name/report.md || ! -s $out/$name/report.json || ! -s $out/$name/index.html ]]; then
    failed+=("$name")
    echo "error: $name wrote no report" >&2
  fi
  say "study $name: $((SECONDS - from)) s"
done
say "studies at toy size: $((SECONDS - started)) s"
if ((${#failed[@]} > 0)); then die 1 "these studies failed at toy size: ${failed[*]}" "see ${LOGS#"$ROOT"/}/study-NAME.log"; fi
