#!/usr/bin/env bash
# decode-bench.sh [OUT]: time of a step of generation for every recurrent mixer at 1,000 and at 1,000,000 positions, and the bytes of the states, on a GPU machine
# without .NET: unpacks artifacts/publish/genoseq-linux-x64.tar.xz, compiles the native library against Python's torch, and writes OUT/decode.txt and OUT/decode.json
# (default: a new folder). With full attention beside them: MIXERS=mamba2,attention
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=${1:-$(mktemp -d)}
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -C "$work" -xJf "$here/artifacts/publish/genoseq-linux-x64.tar.xz"
app=$work/genoseq
libtorch=$(python3 -c 'import os, torch; print(os.path.dirname(torch.__file__))')
{ cmake -S "$app/native" -B "$work/native" -DCMAKE_BUILD_TYPE=Release -DLIBTORCH="$libtorch" && cmake --build "$work/native"; } >"$out/native.log" 2>&1 ||
  { tail -n 15 "$out/native.log" >&2; exit 1; }
export GENOSEQ_NATIVE=$work/native/libgenoseq_torch.so
"$app/GenoSeq.Cli/genoseq" bench decode --device cuda --json "$out/decode.json" ${MIXERS:+--mixers "$MIXERS"} "${@:2}" | tee "$out/decode.txt"
echo "results: $out/decode.json"
