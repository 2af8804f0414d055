#!/usr/bin/env bash
# Checks and times Mamba-2's kernels, and times steps of it and of its kin, on a GPU; docs/kernels-gpu.md, "Recurrences with matrix states". About 140 s on an H100.
# `steps` as the first argument leaves the kernels by themselves out.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${1:-}" != steps ]; then
  (cd bench/cuda && timeout 100 python3 ssd.py)
fi
step() { ./genoseq bench step --device cuda train.precision=bf16 --repeats 3 "$@"; }
step --preset mamba2-7m --lengths 8192,131072,8192,1048576 --batches 16,1,128,1
