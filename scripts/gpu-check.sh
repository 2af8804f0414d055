#!/usr/bin/env bash
# gpu-check.sh [OUT]: on a GPU machine without .NET: unpacks artifacts/publish/genoseq-linux-x64.tar.xz, compiles the native library
# against Python's torch, and checks the binding there: version, recorded outputs on that libtorch, training on the GPU, and the
# NCCL process group where two GPUs are present. Results go to OUT (default: a new folder).
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=${1:-$(mktemp -d)}
work=$(mktemp -d)
tar -C "$work" -xJf "$here/artifacts/publish/genoseq-linux-x64.tar.xz"
app=$work/genoseq
libtorch=$(python3 -c 'import os, torch; print(os.path.dirname(torch.__file__))')
failed=0
check() { # NAME COMMAND...
  local name=$1 start=$SECONDS
  shift
  if "$@" >"$out/$name.log" 2>&1; then echo "ok      $name ($((SECONDS - start)) s)"; else
    echo "FAILED  $name ($((SECONDS - start)) s, exit code $?)"
    tail -25 "$out/$name.log"
    failed=$((failed + 1))
  fi
}
build() {
  cmake -S "$app/native" -B "$work/native" -DLIBTORCH="$libtorch" && cmake --build "$work/native"
}
check native build
export GENOSEQ_NATIVE=$work/native/libgenoseq_torch.so
genoseq() { "$app/GenoSeq.Cli/genoseq" "$@"; }
check version genoseq --version
cat "$out/version.log"
golden=$here/artifacts/publish/golden
for name in caduceus-ps caduceus-ph mamba-hf llama-hf; do
  [[ -f $golden/$name.config.json ]] || continue
  check "verify-$name" genoseq verify --config "$golden/$name.config.json" --weights "$golden/$name.weights.safetensors" --reference "$golden/$name.io.safetensors"
done
cd "$here"
data=data.files=[data/lambda_NC_001416.fa.gz]
check pretrain-transformer genoseq pretrain --preset transformer-tiny "$data" data.context_length=256 train.steps=20 train.warmup_steps=2 train.log_every=5 device=cuda -o "$work/run1"
check pretrain-bf16 genoseq pretrain --preset transformer-tiny "$data" data.context_length=256 train.steps=20 train.warmup_steps=2 train.precision=bf16 device=cuda -o "$work/run2"
check pretrain-mamba-portable genoseq pretrain --preset mamba-tiny "$data" data.context_length=64 train.global_batch_size=1024 train.steps=5 train.warmup_steps=1 device=cuda -o "$work/run3"
for log in "$out"/pretrain-*.log; do tail -n 3 "$log"; done
if (($(nvidia-smi -L | wc -l) > 1)); then
  worker() {
    local rank pids=() code=0
    export WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=29511
    for rank in 0 1; do
      RANK=$rank LOCAL_RANK=$rank "$app/GenoSeq.Torch.Worker/GenoSeq.Torch.Worker" "$@" &
      pids+=($!)
    done
    for p in "${pids[@]}"; do wait "$p" || code=$?; done
    return "$code"
  }
  check nccl worker exercise nccl 60
  cat "$out/nccl.log"
fi
echo "$failed checks failed"
exit "$((failed > 0))"
