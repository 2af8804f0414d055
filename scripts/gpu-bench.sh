#!/usr/bin/env bash
# gpu-bench.sh [OUT [PART...]]: measures on a GPU machine without .NET: unpacks artifacts/publish/genoseq-linux-x64.tar.xz, compiles the
# native library against Python's torch, checks and verifies there, and writes one JSON file a benchmark to OUT (default: a new folder).
#   parts: doctor verify kernels kernels-fp32 step inference memory anchors transformer (default: these), sanitize
#   recordings to verify with: GOLDEN, by default artifacts/publish/golden
#   seconds that a part may take: PART_SECONDS, by default 240; what one part loses the others keep
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=${1:-$(mktemp -d)}
shift || true
parts=" ${*:-doctor verify kernels kernels-fp32 step inference memory anchors transformer} "
golden=${GOLDEN:-$here/artifacts/publish/golden}
seconds=${PART_SECONDS:-240}
for p in $parts; do
  case $p in
    doctor | verify | kernels | kernels-fp32 | step | inference | memory | anchors | transformer | sanitize) ;;
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

run() { # NAME COMMAND...: under the limit, output to OUT/NAME.log
  local name=$1 start=$SECONDS code=0
  shift
  timeout --kill-after=10 "$seconds" "$@" >"$out/$name.log" 2>&1 || code=$?
  if ((code == 0)); then echo "ok      $name ($((SECONDS - start)) s)"; else
    echo "FAILED  $name ($((SECONDS - start)) s, exit code $code)"
    tail -n 15 "$out/$name.log"
    failed=$((failed + 1))
  fi
  return "$code"
}
wants() { [[ $parts == *" $1 "* ]]; }

if [[ $parts =~ doctor|verify|kernels|step|inference|memory|sanitize ]]; then
  tar -C "$work" -xJf "$here/artifacts/publish/genoseq-linux-x64.tar.xz" || exit 4
  app=$work/genoseq
  libtorch=$(python3 -c 'import os, torch; print(os.path.dirname(torch.__file__))') || exit 4
  run native bash -c 'cmake -S "$1/native" -B "$2/native" -DCMAKE_BUILD_TYPE=Release -DLIBTORCH="$3" && cmake --build "$2/native"' _ "$app" "$work" "$libtorch"
  ((failed == 0)) || exit 1
  export GENOSEQ_NATIVE=$work/native/libgenoseq_torch.so
fi
genoseq=${app:-}/GenoSeq.Cli/genoseq
bench() { # NAME VERB...: a benchmark with its JSON file
  local name=$1
  shift
  run "$name" "$genoseq" bench "$@" --device cuda --json "$out/$name.json"
}

if wants doctor; then run doctor "$genoseq" doctor --check; fi

if wants verify; then
  for io in "$golden"/*.io.safetensors; do
    name=$(basename "$io" .io.safetensors)
    [[ -f $io ]] && run "verify-$name" "$genoseq" verify --device cuda --config "$golden/$name.config.json" --weights "$golden/$name.weights.safetensors" --reference "$io"
  done
  scan=$golden/selective_scan.safetensors
  [[ ! -f $scan ]] || run verify-scan "$genoseq" verify --device cuda --reference "$scan"
fi

if wants kernels; then bench kernels kernels; fi
if wants kernels-fp32; then bench kernels-fp32 kernels --type fp32 --kernels scan,conv,gate,norm --quick; fi

# Every kernel of a training step once more under the checkers of memory and of races between threads, at shapes that take the
# serial scan, the chain and segments of time. A race counts where a kernel of this project (gs_) takes part in it: libraries'
# kernels that copy asynchronously are reported too.
checked() { # TOOL COMMAND...
  local tool=$1 log
  shift
  log=$(mktemp -p "$work")
  compute-sanitizer --tool "$tool" "$@" 2>&1 | tee "$log"
  if [[ $tool == memcheck ]]; then grep -q 'ERROR SUMMARY: 0 errors' "$log"; else
    grep -q 'RACECHECK SUMMARY' "$log" && ! grep -qE 'access at gs_|Sanitizer Error|Target application returned an error' "$log"
  fi
}
if wants sanitize; then
  export -f checked
  checks=()
  export work
  tiny="device=cuda data.files=[$here/data/lambda_NC_001416.fa.gz] model.d_model=64 model.n_layer=1 train.warmup_steps=1 train.validation_tokens=1 checkpoint.every=0 train.cuda_graph=off"
  for tool in memcheck racecheck; do
    for shape in "1024 1024 bf16" "8192 8192 bf16" "1024 1024 fp32"; do
      read -r length tokens precision <<<"$shape"
      for model in "model.bidirectional=true model.rc_equivariant=true" "model.layout=MA model.mlp.d_ff=128 objective.kind=causal"; do
        name=sanitize-$tool-$length-$precision-$([[ $model == *MA* ]] && echo hybrid || echo ps)
        # All at once: the checkers leave the GPU idle most of the time.
        # shellcheck disable=SC2086
        run "$name" bash -c 'checked "$@"' _ "$tool" "$genoseq" pretrain $tiny $model data.context_length="$length" \
          train.global_batch_size="$tokens" train.precision="$precision" train.steps=1 -o "$work/$name" &
        checks+=($!)
      done
    done
  done
  for check in "${checks[@]}"; do wait "$check" || failed=$((failed + 1)); done
fi

# The anchors' shapes; what has to fit once more is the longest context.
if wants step; then
  for model in caduceus-ps-131k caduceus-ph-131k; do
    bench "step-$model" step --preset "$model" train.precision=bf16 --lengths 1024,8192,131072,1048576 --batches 128,16,1,1
  done
  bench step-transformer-25m step --preset transformer-25m train.precision=bf16 --lengths 1024,8192,32768,131072 --batches 128,16,4,1
fi
if wants inference; then
  for model in caduceus-ps-131k caduceus-ph-131k; do
    bench "inference-$model" step --inference --preset "$model" train.precision=bf16 --lengths 1024,131072,1048576 --batches 128,1,1
  done
fi
if wants memory; then
  bench memory-caduceus-ps-131k memory --preset caduceus-ps-131k train.precision=bf16 --lengths 1024,131072 --batches 128,1 --policies scan,layer,layer_time --measure
fi

# The opponents, in the same call: what this Python can import.
if wants anchors; then run anchors python3 "$here/bench/cuda/anchors.py" --json "$out/anchors.json"; fi
if wants transformer; then
  if [[ -f $here/bench/cuda/transformer_anchor.py ]]; then run transformer-anchor bash -c 'python3 "$1" | tee "$2"; exit "${PIPESTATUS[0]}"' _ "$here/bench/cuda/transformer_anchor.py" "$out/transformer-anchor.json"; else
    echo "skipped transformer (bench/cuda/transformer_anchor.py is not there)"
  fi
fi

for log in "$out"/kernels*.log "$out"/step-*.log "$out"/inference-*.log "$out"/memory-*.log "$out"/anchors.log "$out"/transformer-anchor.log; do
  [[ ! -f $log ]] || { echo "== $(basename "$log" .log)" && cat "$log"; }
done
echo "results in $out; $failed parts failed"
exit "$((failed > 0))"
