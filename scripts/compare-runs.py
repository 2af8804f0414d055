#!/usr/bin/env python3
"""compare-runs.py: differences between the losses and weights of runs, or their speeds.

compare-runs.py [--tolerance T] RUN OTHER...   exit code 1 where the losses or weights of another differ by more than T
compare-runs.py --speeds RUN...                tokens a second behind the first steps, memory, exchanges that were not hidden
"""
import array
import json
import os
import struct
import sys


def lines(run):
    with open(os.path.join(run, "metrics.jsonl")) as f:
        return [json.loads(line) for line in f]


def weights(run):
    folder = os.path.join(run, "checkpoints")
    with open(os.path.join(folder, "last")) as f:
        path = os.path.join(folder, f.read().strip(), "model.safetensors")
    with open(path, "rb") as f:
        data = f.read()
    size = struct.unpack("<Q", data[:8])[0]
    for name, entry in json.loads(data[8 : 8 + size]).items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            begin, end = entry["data_offsets"]
            values = array.array("f")
            values.frombytes(data[8 + size + begin : 8 + size + end])
            yield name, values


def compare(runs, tolerance):
    first, one = lines(runs[0]), dict(weights(runs[0]))
    worst = 0.0
    for run in runs[1:]:
        other = lines(run)
        assert [(a["step"], a["tokens"]) for a in first] == [(b["step"], b["tokens"]) for b in other], f"{run}: other steps"
        keys = ("train/loss", "val/loss", "val/accuracy")
        loss = max(abs(a[k] - b[k]) for a, b in zip(first, other) for k in keys if k in a)
        weight = max(abs(x - y) for name, values in weights(run) for x, y in zip(one[name], values))
        print(f"{os.path.basename(runs[0])} and {os.path.basename(run)}: losses differ by {loss:.2e}, weights by {weight:.2e} (allowed {tolerance:g})")
        worst = max(worst, loss, weight)
    return worst <= tolerance


def speeds(runs):
    print(f"{'run':20} {'tokens/s':>12} {'peak GiB':>9} {'compute ms':>11} {'exchange ms':>12} slowest rank")
    for run in runs:
        if not os.path.exists(os.path.join(run, "metrics.jsonl")):
            continue
        steps = [line for line in lines(run) if "train/loss" in line]
        half = steps[len(steps) // 3 :]
        rate = (half[-1]["tokens"] - half[0]["tokens"]) / max(half[-1]["wall_s"] - half[0]["wall_s"], 1e-9)
        mean = lambda key: sum(s.get(key, 0) for s in half[1:]) / max(len(half) - 1, 1)
        print(f"{os.path.basename(run):20} {rate:12,.0f} {half[-1]['mem/peak_gib']:9.2f} {mean('perf/compute_ms'):11.2f}"
              f" {mean('perf/communication_ms'):12.2f} {half[-1].get('perf/slowest_rank', '')}")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments[:1] == ["--speeds"]:
        speeds([a for a in arguments[1:] if os.path.isdir(a)])
    else:
        limit = 1e-5
        if arguments[:1] == ["--tolerance"]:
            limit, arguments = float(arguments[1]), arguments[2:]
        sys.exit(0 if compare(arguments, limit) else 1)
