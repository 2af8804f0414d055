#!/usr/bin/env bash
# multi-gpu-bench.sh [OUT [PART...]]: on a machine with several GPUs and without .NET: unpacks artifacts/publish/genoseq-linux-x64.tar.xz,
# compiles the native library against Python's torch, checks that ranks give the run of one, and measures how they scale.
#   parts: equal weak strong zero long kill (default: all of them)
#   ranks: RANKS, by default the number of GPUs; weak and strong are measured with 1, 2, 4, ... of them
#   a program that is built already: GENOSEQ (and GENOSEQ_NATIVE)
#   steps of the runs that are compared: STEPS, by default 50
#   seconds that a run may take: PART_SECONDS, by default 150
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=${1:-$(mktemp -d)}
shift || true
parts=" ${*:-equal weak strong zero long kill} "
seconds=${PART_SECONDS:-150}
n=${RANKS:-$(nvidia-smi -L | wc -l)}
device=${DEVICE:-cuda}
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: >"$work/failed"
counts=(1)
while ((counts[-1] * 2 <= n)); do counts+=($((counts[-1] * 2))); done
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

# COUNT NAME ARGUMENT...: a pretraining run of so many processes in OUT/NAME, on the GPUs from FIRST on.
ranks() {
  local count=$1 name=$2 first=${FIRST:-0} rank pids=() code=0 start=$SECONDS
  shift 2
  if [[ $device == cuda ]]; then export CUDA_VISIBLE_DEVICES; CUDA_VISIBLE_DEVICES=$(seq -s, "$first" $((first + count - 1))); fi
  for ((rank = 0; rank < count; rank++)); do
    if ((count > 1)); then export RANK=$rank LOCAL_RANK=$rank WORLD_SIZE=$count MASTER_ADDR=127.0.0.1 MASTER_PORT=$((29600 + SECONDS % 300 + 400 * first)); fi
    timeout --kill-after=10 "$seconds" "$GENOSEQ" pretrain "$@" device="$device" --threads 4 -o "$out/$name" >"$out/$name.$rank.log" 2>&1 &
    pids+=($!)
  done
  unset RANK LOCAL_RANK WORLD_SIZE MASTER_ADDR MASTER_PORT CUDA_VISIBLE_DEVICES
  if [[ -n ${KILL_AT:-} ]]; then kill_last "$name" "${pids[@]}" || code=1; else
    for p in "${pids[@]}"; do wait "$p" || code=$?; done
  fi
  if ((code == 0)); then echo "ok      $name ($((SECONDS - start)) s)"; else
    echo "FAILED  $name ($((SECONDS - start)) s, exit code $code)"
    tail -n 6 "$out/$name".*.log
    echo "$name" >>"$work/failed"
  fi
}
# NAME PID...: once the run has taken KILL_AT steps its last process is killed; the others must end by themselves, and not well.
kill_last() {
  local name=$1 pids=("${@:2}") steps start code=0
  until steps=$(grep -cs train/loss "$out/$name/metrics.jsonl"); ((${steps:-0} >= KILL_AT)); do
    kill -0 "${pids[0]}" 2>/dev/null || return 1
    sleep 0.1
  done
  pkill -KILL -P "${pids[-1]}"
  start=$(date +%s%N)
  for p in "${pids[@]}"; do if wait "$p"; then code=1; fi; done
  echo "        the other ranks of $name ended within $((($(date +%s%N) - start) / 1000000)) ms and say: $(tail -qn 2 "$out/$name.0.log" | head -n 1)"
  return "$code"
}
# PREFIX FIXED-OR-EACH BATCH ARGUMENT...: the same run with every count of GPUs; of a fixed batch, or of as much for each GPU. One
# GPU is measured while the two that follow it are, where there are as many.
scaled() {
  local prefix=$1 kind=$2 batch=$3 count first=0
  shift 3
  for count in "${counts[@]}"; do
    FIRST=$first ranks "$count" "$prefix-$count" "$@" train.global_batch_size="$(if [[ $kind == each ]]; then echo $((batch * count)); else echo "$batch"; fi)" &
    if ((count == 1 && n >= 4)); then first=1; else wait; first=0; fi
  done
  wait
}
wants() { [[ $parts == *" $1 "* ]]; }
compare() { python3 "$here/scripts/compare-runs.py" "$@" || echo compare >>"$work/failed"; }

python3 - "$work/random.fa" $((2097152 * (n + 1))) <<'PY'
import random, sys
with open(sys.argv[1], 'wb') as f:
    f.write(b'>r\n' + random.Random(1).randbytes(int(sys.argv[2])).translate(b'ACGT' * 64) + b'\n')
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
million="$ps data.context_length=1048576"
hybrid="--preset transformer-25m $random train.precision=bf16 model.layout=MMMA model.d_model=768 model.n_layer=12 model.attention.n_head=12 model.mlp.d_ff=2048
  data.context_length=8192 train.micro_batch_size=8 train.warmup_steps=1 train.steps=25"
# Weak: the same work for each GPU. Strong: the same work in all.
# shellcheck disable=SC2086
if wants weak; then
  scaled weak-ps each 131072 $ps train.steps=14
  scaled weak-ps-1mi each 1048576 $million train.steps=7
  scaled weak-hybrid each 65536 $hybrid
fi
# shellcheck disable=SC2086
if wants strong; then
  scaled strong-ps fixed $((131072 * n)) $ps train.steps=12
  scaled strong-ps-1mi fixed $((1048576 * n)) $million train.steps=4
fi
# shellcheck disable=SC2086
if wants zero; then
  ranks "$n" zero-hybrid $hybrid train.global_batch_size=$((65536 * n)) train.zero_stage=1
fi
# A window that is divided among the GPUs: one of 1,048,576 bases among ever more; as many bases for each; twice as many, for which
# 80 GB hold the stream between half of the layers.
# shellcheck disable=SC2086
if wants long; then
  for count in "${counts[@]:1}"; do ranks "$count" "long-ps-1mi-$count" $million train.global_batch_size=1048576 train.steps=6 --context-parallel "$count"; done
  ranks "$n" "long-ps-$((n))mi-$n" $ps data.context_length=$((1048576 * n)) train.global_batch_size=$((1048576 * n)) train.steps=4 --context-parallel "$n"
  ranks "$n" "long-ps8-$((2 * n))mi-$n" $ps model.n_layer=8 data.context_length=$((2097152 * n)) train.global_batch_size=$((2097152 * n)) train.steps=4 --context-parallel "$n"
fi
# shellcheck disable=SC2086
if wants kill; then KILL_AT=4 ranks "$n" kill-ps $ps train.steps=2000 train.global_batch_size=$((131072 * n)); fi

python3 "$here/scripts/compare-runs.py" --speeds "$out"/weak-* "$out"/strong-* "$out"/zero-* "$out"/long-* 2>/dev/null
failed=$(wc -l <"$work/failed")
echo "results in $out; $failed failed"
exit "$((failed > 0))"
