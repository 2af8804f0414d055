#!/usr/bin/env bash
# gpu-long-conv.sh [OUT]: under two minutes on a GPU machine without .NET: unpacks artifacts/publish/genoseq-linux-x64.tar.xz, compiles the native library
# against Python's torch, and for the models that convolve
#   - holds HyenaDNA's recording (GOLDEN, by default artifacts/publish/golden) on the GPU
#   - trains small models for five steps in single precision on CPU and GPU and compares losses and weights
#   - times training steps of hyenadna-d256-n8 in bf16 at 8,192, 131,072 and 1,048,576 positions, with their memory
# One JSON file a benchmark, and logs, to OUT (default: a new folder).
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=${1:-$(mktemp -d)}
golden=${GOLDEN:-$here/artifacts/publish/golden}
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
check() { # NAME COMMAND...
  local name=$1 start=$SECONDS code=0
  shift
  timeout --kill-after=5 90 "$@" >"$out/$name.log" 2>&1 || code=$?
  if ((code == 0)); then echo "ok      $name ($((SECONDS - start)) s)"; else
    echo "FAILED  $name ($((SECONDS - start)) s, exit code $code)"
    tail -n 15 "$out/$name.log"
    failed=$((failed + 1))
  fi
  return "$code"
}
tar -C "$work" -xJf "$here/artifacts/publish/genoseq-linux-x64.tar.xz" || exit 4
libtorch=$(python3 -c 'import os, torch; print(os.path.dirname(torch.__file__))') || exit 4
check native bash -c 'cmake -S "$1/native" -B "$2/native" -DCMAKE_BUILD_TYPE=Release -DLIBTORCH="$3" && cmake --build "$2/native"' _ "$work/genoseq" "$work" "$libtorch" || exit 1
export GENOSEQ_NATIVE=$work/native/libgenoseq_torch.so
genoseq=$work/genoseq/GenoSeq.Cli/genoseq

if [[ -f $golden/hyenadna.config.json ]]; then
  check verify "$genoseq" verify --device cuda --config "$golden/hyenadna.config.json" --weights "$golden/hyenadna.weights.safetensors" --reference "$golden/hyenadna.io.safetensors"
fi
common=("data.files=[$here/data/lambda_NC_001416.fa.gz]" data.context_length=515 train.global_batch_size=2060 train.steps=5 train.warmup_steps=1 train.validation_tokens=1 train.log_every=1 train.learning_rate=1e-4 train.min_learning_rate=1e-5)
for model in hyenadna-tiny-1k h3-tiny evo2-like-tiny; do
  for device in cpu cuda; do
    check "train-$model-$device" "$genoseq" pretrain --preset "$model" "${common[@]}" "device=$device" -o "$work/$model-$device" &
  done
  wait
  # Five steps of AdamW: a weight whose gradient is near zero moves by its sign, so weights are allowed what losses are not.
  check "compare-$model" python3 "$here/scripts/compare-runs.py" --tolerance 2e-3 "$work/$model-cpu" "$work/$model-cuda"
done
check step "$genoseq" bench step --preset hyenadna-d256-n8 --device cuda train.precision=bf16 --lengths 8192,131072,1048576 --batches 16,1,1 --repeats 3 --json "$out/step.json"
cat "$out"/compare-*.log "$out/step.log"
echo "results in $out; $failed parts failed"
exit "$((failed > 0))"
