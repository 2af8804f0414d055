#!/usr/bin/env bash
# bench-data.sh [FOLDER [BASES]]: `genoseq data stats` and BGZF reading beside seqkit and bgzip, in turns, from the page
# cache. Prints one JSON object a line; FOLDER (default artifacts/bench-data) keeps the inputs for the next time.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

folder=${1:-$ARTIFACTS/bench-data} bases=${2:-500000000} rounds=${ROUNDS:-5}
bash "$ROOT/scripts/test-tools.sh"
for tool in seqkit bgzip; do command -v "$tool" >/dev/null || die "$EXIT_MISSING_RESOURCE" "$tool is not installed"; done
mkdir -p "$folder"
plain=$folder/genome-$bases.fa packed=$folder/genome-$bases.fa.gz
[[ -f $plain ]] || dotnet run -c Release --project "$ROOT/bench" -- make-fasta "$plain" "$bases"
[[ -f $packed ]] || bgzip -c -@2 "$plain" >"$packed"
size=$(stat -c %s "$plain")

# seconds COMMAND...: wall time.
seconds() {
  local from to
  from=$(date +%s%N)
  "$@" >/dev/null 2>&1
  to=$(date +%s%N)
  echo $(((to - from) / 1000))
}

count_bgzip() { bgzip -d -c -@2 "$packed" | wc -c; }

declare -A best
# measure NAME COMMAND...: keeps the best of all rounds.
measure() {
  local name=$1 us
  shift
  us=$(seconds "$@")
  if [[ -z ${best[$name]:-} ]] || ((us < best[$name])); then best[$name]=$us; fi
}

cat "$plain" "$packed" >/dev/null
for ((round = 0; round < rounds; round++)); do
  measure genoseq-stats-plain "$ROOT/genoseq" data stats "$plain"
  measure seqkit-stats-plain seqkit stats -j 2 "$plain"
  measure genoseq-stats-bgzf "$ROOT/genoseq" data stats "$packed"
  measure bgzip-count "count_bgzip"
  measure seqkit-stats-bgzf seqkit stats -j 2 "$packed"
  measure genoseq-start "$ROOT/genoseq" --version
done
for name in genoseq-stats-plain seqkit-stats-plain genoseq-stats-bgzf bgzip-count seqkit-stats-bgzf genoseq-start; do
  printf '{"name":"%s","bytes":%d,"seconds":%d.%06d,"gb_per_s":%s}\n' "$name" "$size" $((best[$name] / 1000000)) $((best[$name] % 1000000)) \
    "$(awk -v b="$size" -v u="${best[$name]}" 'BEGIN { printf "%.3f", b / u / 1000 }')"
done
