#!/usr/bin/env bash
# long-context-bench.sh [OUT [PART...]]: how fast Caduceus trains at 1,048,576 bases beside 131,072, on a GPU machine without .NET; under 150 s.
#   parts: check     small models with everything kept and computed again in each way: the same losses and weights (by default, first)
#          steps     steps of PS and Ph at both lengths, plan by memory, to OUT/long-MODEL.json, and the ratio of their speeds (by default)
#          segments  PS at 1,048,576 bases with libtorch's expandable segments: less fragmentation where memory is nearly full
#          policies  PS at 1,048,576 bases with `train.recompute` rows and layer: what a plan by memory gains over each
#   a program that is built already: GENOSEQ (and GENOSEQ_NATIVE); otherwise artifacts/publish/genoseq-linux-x64.tar.xz is unpacked and compiled
#   seconds that a command may take: PART_SECONDS, by default 100
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=${1:-$(mktemp -d)}
shift || true
parts=" ${*:-check steps} "
device=${DEVICE:-cuda}
for p in $parts; do
  case $p in
    check | steps | segments | policies) ;;
    *)
      echo "error: there is no part '$p'; see the head of this script" >&2
      exit 2
      ;;
  esac
done
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

run() { # NAME COMMAND...: output to OUT/NAME.log
  local name=$1 start=$SECONDS code=0
  shift
  timeout --kill-after=10 "${PART_SECONDS:-100}" "$@" >"$out/$name.log" 2>&1 || code=$?
  if ((code == 0)); then echo "ok      $name ($((SECONDS - start)) s)"; else
    echo "FAILED  $name ($((SECONDS - start)) s, exit code $code)"
    tail -n 15 "$out/$name.log"
    failed=$((failed + 1))
  fi
  return "$code"
}
wants() { [[ $parts == *" $1 "* ]]; }

if [[ -z ${GENOSEQ:-} ]]; then
  tar -C "$work" -xJf "$here/artifacts/publish/genoseq-linux-x64.tar.xz" || exit 4
  libtorch=$(python3 -c 'import os, torch; print(os.path.dirname(torch.__file__))') || exit 4
  run native bash -c 'cmake -S "$1/native" -B "$2/native" -DCMAKE_BUILD_TYPE=Release -DLIBTORCH="$3" && cmake --build "$2/native"' _ "$work/genoseq" "$work" "$libtorch" || exit 1
  export GENOSEQ_NATIVE=$work/native/libgenoseq_torch.so
  GENOSEQ=$work/genoseq/GenoSeq.Cli/genoseq
fi

# In fp32 losses and weights agree to rounding; in bf16 gradients differ by 1e-3, which AdamW's first steps turn into parts of the learning rate. Windows of 24,576 bases in fp32, of 131,072 in bf16.
if wants check; then
  python3 - "$work/random.fa" <<'PY'
import random, sys
random.seed(1)
with open(sys.argv[1], "w") as f:
    f.write(">random\n")
    for _ in range(5000):
        f.write("".join(random.choices("ACGT", k=80)) + "\n")
PY
  small="device=$device data.files=[$work/random.fa] data.validation_fraction=0 train.validate_every=0 model.bidirectional=true model.rc_equivariant=true model.n_layer=2 train.micro_batch_size=1
    train.steps=4 train.warmup_steps=2 train.learning_rate=0.0005 train.log_every=1 train.cuda_graph=off"
  fp32="data.context_length=24576 train.global_batch_size=24576 model.d_model=64"
  bf16="data.context_length=131072 train.global_batch_size=131072 model.d_model=256"
  for precision in fp32 bf16; do
    runs=()
    for policy in none scan rows layer; do
      # shellcheck disable=SC2086
      run "check-$precision-$policy" "$GENOSEQ" pretrain $small ${!precision} train.precision="$precision" train.recompute="$policy" -o "$out/check-$precision-$policy"
      runs+=("$out/check-$precision-$policy")
    done
    run "check-$precision" python3 "$here/scripts/compare-runs.py" --tolerance "$([[ $precision == fp32 ]] && echo 2e-5 || echo 5e-3)" "${runs[@]}"
    cat "$out/check-$precision.log"
  done
fi

step() { # NAME ARGUMENT...
  local name=$1
  shift
  run "$name" "$GENOSEQ" bench step train.precision=bf16 --device "$device" --repeats 4 --json "$out/$name.json" "$@"
  cat "$out/$name.log"
}
if wants steps; then
  for model in ps ph; do step "long-$model" --preset "caduceus-$model-131k" --lengths 131072,1048576 --batches 1,1; done
  python3 - "$out"/long-p?.json <<'PY'
import json, sys
for path in sys.argv[1:]:
    short, long = json.load(open(path))["results"]
    if "error" in long or "error" in short:
        print(path, short.get("error"), long.get("error"))
        continue
    print(f"{path.rsplit('-', 1)[1][:2].upper()}: {long['tokens_per_s'] / short['tokens_per_s']:.3f} of the speed at {short['length']:,} bases, "
          f"{long['peak_bytes'] / 2**30:.1f} GiB, predicted {long['predicted_over_measured']:.2f} of it; {long['plan']}")
PY
fi
if wants segments; then
  export PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True
  step long-ps-expandable --preset caduceus-ps-131k --lengths 1048576 --batches 1
  unset PYTORCH_CUDA_ALLOC_CONF
fi
if wants policies; then
  for policy in rows layer; do step "long-ps-$policy" --preset caduceus-ps-131k --lengths 1048576 --batches 1 train.recompute="$policy"; done
fi
echo "results in $out; $failed parts failed"
exit "$((failed > 0))"
