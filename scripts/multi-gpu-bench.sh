#!/usr/bin/env bash
# multi-gpu-bench.sh [OUT [PART...]]: on a machine with several GPUs and without .NET: unpacks artifacts/publish/genoseq-linux-x64.tar.xz,
# compiles the native library against Python's torch, checks that ranks give the run of one, and measures how they scale.
#   parts: equal weak strong zero long (default: all of them)
#   ranks: RANKS, by default the number of GPUs; a program that is built already: GENOSEQ (and GENOSEQ_NATIVE)
#   steps of the runs that are compared: STEPS, by default 50
#   seconds that a run may take: PART_SECONDS, by default 150
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=${1:-$(mktemp -d)}
shift || true
parts=" ${*:-equal weak strong zero long} "
seconds=${PART_SECONDS:-150}
n=${RANKS:-$(nvidia-smi -L | wc -l)}
device=${DEVICE:-cuda}
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
export NCCL_NVLS_ENABLE=0

if [[ -z ${GENOSEQ:-} ]]; then
  tar -C "$work" -xJf "$here/artifacts/publish/genoseq-linux-x64.tar.xz" || exit 4
  libtorch=$(python3 -c 'import os, torch; print(os.path.dirname(torch.__file__))') || exit 4
  (cmake -S "$work/genoseq/native" -B "$work/native" -DCMAKE_BUILD_TYPE=Release -DLIBTORCH="$libtorch" && cmake --build "$work/native") >"$out/native.log" 2>&1 || {
    tail -n 20 "$out/native.log"
    exit 1
  }
  export GENOSEQ_NATIVE=$work/native/libgenoseq_torch.so
  GENOSEQ=$work/genoseq/GenoSeq.Cli/genoseq
fi

ranks() { # COUNT NAME ARGUMENT...: a pretraining run of so many processes in OUT/NAME
  local count=$1 name=$2 rank pids=() code=0 start=$SECONDS
  shift 2
  for ((rank = 0; rank < count; rank++)); do
    if ((count > 1)); then export RANK=$rank LOCAL_RANK=$rank WORLD_SIZE=$count MASTER_ADDR=127.0.0.1 MASTER_PORT=$((29600 + SECONDS % 300)); fi
    timeout --kill-after=10 "$seconds" "$GENOSEQ" pretrain "$@" device="$device" --threads 4 -o "$out/$name" >"$out/$name.$rank.log" 2>&1 &
    pids+=($!)
  done
  unset RANK LOCAL_RANK WORLD_SIZE MASTER_ADDR MASTER_PORT
  for p in "${pids[@]}"; do wait "$p" || code=$?; done
  if ((code == 0)); then echo "ok      $name ($((SECONDS - start)) s)"; else
    echo "FAILED  $name ($((SECONDS - start)) s, exit code $code)"
    tail -n 6 "$out/$name".*.log
    failed=$((failed + 1))
  fi
}
wants() { [[ $parts == *" $1 "* ]]; }
compare() { python3 "$here/scripts/compare-runs.py" "$@" || failed=$((failed + 1)); }

python3 - "$work/random.fa" <<'PY'
import random, sys
random.seed(1)
with open(sys.argv[1], 'w') as f:
    f.write('>r\n' + ''.join(random.choices('ACGT', k=6 << 20)) + '\n')
PY
random="data.files=[$work/random.fa] data.sources=[] data.windows=tile data.validation_fraction=0 data.split_bed=null train.validate_every=0 checkpoint.every=0 train.log_every=1"

# The same run on one GPU and on several, in single precision.
if wants equal; then
  small="data.files=[$here/data/lambda_NC_001416.fa.gz] data.context_length=1024 data.validation_fraction=0.1 model.d_model=64 model.n_layer=4 train.global_batch_size=9216
    train.micro_batch_size=2 train.steps=${STEPS:-50} train.warmup_steps=5 train.validate_every=25 train.log_every=1 train.bucket_mib=0.1 train.precision=fp32"
  for kind in mlm causal; do
    model="model.bidirectional=true model.rc_equivariant=true"
    [[ $kind == mlm ]] || model="objective.kind=causal"
    # shellcheck disable=SC2086
    {
      ranks 1 "$kind-one" $small $model
      ranks "$n" "$kind-ranks" $small $model
      ranks "$n" "$kind-zero" $small $model train.zero_stage=1
      ranks "$n" "$kind-context" $small $model --context-parallel "$n"
    }
    compare --tolerance 1e-4 "$out/$kind-one" "$out/$kind-ranks" "$out/$kind-context"
    compare --tolerance 1e-5 "$out/$kind-ranks" "$out/$kind-zero"
  done
fi

ps="--preset caduceus-ps-131k $random train.precision=bf16 train.micro_batch_size=1 train.warmup_steps=1"
large="--preset transformer-25m $random train.precision=bf16 model.d_model=768 model.n_layer=14 model.attention.n_head=12 model.mlp.d_ff=2048
  data.context_length=8192 train.micro_batch_size=8 train.warmup_steps=1 train.steps=25"
# Weak: the same work for each GPU. Strong: the same work in all.
# shellcheck disable=SC2086
if wants weak; then
  ranks 1 weak-ps-1 $ps train.steps=14 train.global_batch_size=131072
  ranks "$n" weak-ps-n $ps train.steps=14 train.global_batch_size=$((131072 * n))
  ranks 1 weak-large-1 $large train.global_batch_size=65536
  ranks "$n" weak-large-n $large train.global_batch_size=$((65536 * n))
fi
# shellcheck disable=SC2086
if wants strong; then
  ranks 1 strong-ps-1 $ps train.steps=10 train.global_batch_size=$((131072 * n))
  ranks "$n" strong-ps-n $ps train.steps=14 train.global_batch_size=$((131072 * n))
fi
# shellcheck disable=SC2086
if wants zero; then
  ranks "$n" zero-large-n $large train.global_batch_size=$((65536 * n)) train.zero_stage=1
fi
# A window that is divided among the GPUs.
# shellcheck disable=SC2086
if wants long; then
  ranks "$n" long-ps-n $ps data.context_length=$((1048576 * n)) train.global_batch_size=$((1048576 * n)) train.steps=4 --context-parallel "$n"
fi

python3 "$here/scripts/compare-runs.py" --speeds "$out"/weak-* "$out"/strong-* "$out"/zero-* "$out"/long-* 2>/dev/null
echo "results in $out; $failed failed"
exit "$((failed > 0))"
