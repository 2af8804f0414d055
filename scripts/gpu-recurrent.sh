#!/usr/bin/env bash
# Times training steps of Mamba-2 and of its kin, and checks and times their kernels, on a GPU with nvcc and Python's torch; docs/kernels-gpu.md, "Recurrences with matrix states".
# Parts: steps (Mamba-2: 8,192, 131,072 and 1,048,576 bases), kin (GLA, RetNet, mLSTM, Gated DeltaNet at 131,072), kernels. By default steps and kernels, about 140 s on an H100.
set -euo pipefail
cd "$(dirname "$0")/.."
step() { ./genoseq bench step --preset mamba2-7m --device cuda train.precision=bf16 --repeats 3 "$@"; }
for part in "${@:-steps kernels}"; do
  for p in $part; do
    case "$p" in
      steps) step --lengths 8192,131072,8192,1048576 --batches 16,1,128,1 ;;
      kin) for layout in gla retnet mlstm gated-deltanet; do echo "$layout"; step "model.layout=$layout" model.recurrent.d_key=0 --lengths 8192,131072 --batches 16,1; done ;;
      kernels) (cd bench/cuda && python3 ssd.py && python3 gla.py time) ;;
      *) echo "unknown part '$p': steps, kin or kernels" >&2; exit 2 ;;
    esac
  done
done
