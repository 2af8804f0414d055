#!/usr/bin/env bash
# bench-parquet.sh [FOLDER [WINDOWS]]: writes windows of 1,000 bases (default 5,000,000) as shards of Parquet, then reads them
# back in other processes, which compare every window with the genome: streamed, and decoded into a genome as training does.
# Prints wall time, MB/s and peak memory of each. FOLDER (default artifacts/bench-parquet) keeps the genome for the next time.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

folder=${1:-$ARTIFACTS/bench-parquet} windows=${2:-5000000} width=1000
genome=$folder/genome-$windows.fa shards=$folder/windows-$windows
mkdir -p "$folder"
dotnet build -c Release --nologo -v quiet "$ROOT/bench"
bench=$ARTIFACTS/bin/GenoSeq.Benchmarks/release/$(cd "$ARTIFACTS/bin/GenoSeq.Benchmarks/release" && ls *.runtimeconfig.json | head -1 | sed 's/\.runtimeconfig\.json$/.dll/')
# The last window of each of the 24 contigs is cut off.
[[ -f $genome ]] || dotnet "$bench" make-fasta "$genome" $((windows * width + 24 * width))
rm -rf "$shards"
from=$(date +%s%N)
"$ROOT/genoseq" data convert "$genome" -o "$shards" --window "$width" 2>"$folder/convert.log" || { cat "$folder/convert.log" >&2; exit 1; }
us=$((($(date +%s%N) - from) / 1000))
cat "$folder/convert.log"
awk -v n="$windows" -v w="$width" -v u="$us" -v s="$(du -sb "$shards" | cut -f1)" \
  'BEGIN { printf "{\"name\":\"convert\",\"windows\":%d,\"seconds\":%.2f,\"mb_per_s\":%.0f,\"parquet_bytes\":%d}\n", n, u / 1e6, n * w / u, s }'
dotnet "$bench" read-windows "$genome" "$shards" "$width"
dotnet "$bench" read-windows "$genome" "$shards" "$width" genome
