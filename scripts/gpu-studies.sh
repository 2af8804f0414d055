#!/usr/bin/env bash
# One sitting of studies on a GPU: gpu-studies.sh WORK SECONDS JOBS STUDY...
# Runs each recipe of configs/studies that is named, in WORK/STUDY, until SECONDS are over; the same command goes on where it was. Many
# small models share a GPU through NVIDIA's MPS, which is started where it is installed. GENOSEQ: the program, ./genoseq if not given.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$ROOT"
(($# >= 4)) || die 2 "too few words" "expected: gpu-studies.sh WORK SECONDS JOBS STUDY..."

work=$1 end=$((SECONDS + $2)) jobs=$3
shift 3
program=${GENOSEQ:-./genoseq}
mkdir -p "$work"
if ((jobs > 1)) && command -v nvidia-cuda-mps-control >/dev/null; then
  export CUDA_MPS_PIPE_DIRECTORY=$work/mps CUDA_MPS_LOG_DIRECTORY=$work/mps
  mkdir -p "$work/mps"
  nvidia-cuda-mps-control -d 2>/dev/null || true
  trap 'echo quit | nvidia-cuda-mps-control 2>/dev/null || true' EXIT
fi
for study in "$@"; do
  left=$((end - SECONDS))
  ((left > 10)) || break
  code=0
  $program study "configs/studies/$study.yaml" --out "$work/$study" --device cuda --jobs "$jobs" --max-seconds "$left" </dev/null || code=$?
  say "study $study: exit code $code, $((end - SECONDS)) s left"
done
$program study "$work" || true
