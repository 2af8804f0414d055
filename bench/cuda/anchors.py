"""Times of other implementations, by the method of `genoseq bench`: mamba_ssm, causal_conv1d and Caduceus where this Python has them.

CUDA events, 3 warm-ups, median of 10 (steps: 5 after 2), fresh random inputs; before every timed kernel a copy of 2 x 512 MiB leaves
nothing in the caches and lets the host run ahead. Caduceus is imported as the package `caduceus`; CADUCEUS may name the folder that
holds it. One JSON object: what could not be imported is named with its reason.
"""
import argparse
import importlib
import json
import os
import statistics
import sys
import time

import torch

SCANS = [(64, 1024), (8, 8192), (1, 131072), (1, 1048576), (512, 1024)]
CONVS = [(8, 8192), (1, 131072)]
STEPS = [(1024, 128), (8192, 16), (131072, 1)]
EMBEDDINGS = [131072, 1048576]
DEVICE = "cuda"


class Clock:
    def __init__(self):
        self.a = torch.zeros(128 << 20, device=DEVICE)
        self.b = torch.zeros_like(self.a)

    def __call__(self, work, warmup=3, repeats=10, cold=True):
        for _ in range(warmup):
            work()
        torch.cuda.synchronize()
        times = []
        for _ in range(repeats):
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            if cold:
                self.b.copy_(self.a)
            begin.record()
            work()
            end.record()
            end.synchronize()
            times.append(begin.elapsed_time(end))
        return {"median_ms": statistics.median(times), "min_ms": min(times), "max_ms": max(times), "runs": repeats}


def limits(clock):
    source = torch.randn(1 << 30, device=DEVICE)
    target = torch.empty_like(source)
    copy = clock(lambda: target.copy_(source), cold=False)
    del source, target
    a, b = (torch.randn(8192, 8192, device=DEVICE, dtype=torch.bfloat16) for _ in range(2))
    product = clock(lambda: a @ b, cold=False)
    return {"copy_gb_per_s": 8 * (1 << 30) / copy["median_ms"] / 1e6, "matmul_tflops": 2 * 8192**3 / product["median_ms"] / 1e9}


def row(kernel, name, batch, length, channels, time_):
    return {"kernel": kernel, "pass": name, "shape": f"{batch} x {length} x {channels}", "type": "bf16", **time_,
            "giga_per_s": batch * length * channels / time_["median_ms"] / 1e6}


def scans(clock):
    scan = importlib.import_module("mamba_ssm.ops.selective_scan_interface").selective_scan_fn
    channels, states = 512, 16
    for batch, length in SCANS:
        def rows(n=channels):
            return torch.randn(batch, n, length, device=DEVICE, dtype=torch.bfloat16)

        u, delta, z, b, c, dout = rows(), rows(), rows(), rows(states), rows(states), rows()
        a = -torch.arange(1, states + 1, device=DEVICE, dtype=torch.float32).repeat(channels, 1)
        d, bias = torch.randn(channels, device=DEVICE), torch.randn(channels, device=DEVICE) * 0.1 - 2
        inputs = [u, delta, a, b, c, d, z, bias]
        for gated in (True, False):
            def forward():
                return scan(u, delta, a, b, c, d, z if gated else None, bias, delta_softplus=True)

            suffix = ", gated" if gated else ""
            with torch.no_grad():
                yield row("scan", "forward" + suffix, batch, length, channels, clock(forward))
            for t in inputs:
                t.requires_grad_()

            def both():
                for t in inputs:
                    t.grad = None
                forward().backward(dout)

            yield row("scan", "forward+backward" + suffix, batch, length, channels, clock(both))
            for t in inputs:
                t.requires_grad_(False)
                t.grad = None


def convolutions(clock):
    conv = importlib.import_module("causal_conv1d").causal_conv1d_fn
    channels = 512
    for batch, length in CONVS:
        x = torch.randn(batch, length, channels, device=DEVICE, dtype=torch.bfloat16).transpose(1, 2)
        dout = torch.randn(batch, length, channels, device=DEVICE, dtype=torch.bfloat16).transpose(1, 2)
        weight, bias = torch.randn(channels, 4, device=DEVICE, dtype=torch.bfloat16), torch.randn(channels, device=DEVICE, dtype=torch.bfloat16)

        def forward():
            return conv(x, weight, bias, activation="silu")

        with torch.no_grad():
            yield row("conv", "forward", batch, length, channels, clock(forward))
        for t in (x, weight, bias):
            t.requires_grad_()

        def both():
            for t in (x, weight, bias):
                t.grad = None
            forward().backward(dout)

        yield row("conv", "forward+backward", batch, length, channels, clock(both))


def caduceus(strands):
    if "CADUCEUS" in os.environ and os.environ["CADUCEUS"] not in sys.path:
        sys.path.insert(0, os.environ["CADUCEUS"])
    config = importlib.import_module("caduceus.configuration_caduceus").CaduceusConfig(
        d_model=256, n_layer=16, vocab_size=16, ssm_cfg={}, rms_norm=True, residual_in_fp32=True, fused_add_norm=True,
        bidirectional=True, bidirectional_strategy="add", bidirectional_weight_tie=True, rcps=strands,
        complement_map={i: {7: 10, 8: 9, 9: 8, 10: 7}.get(i, i) for i in range(16)} if strands else None)
    return importlib.import_module("caduceus.modeling_caduceus").CaduceusForMaskedLM(config).to(DEVICE)


def out_of_memory(name, length, batch):
    torch.cuda.empty_cache()
    return {"model": name, "length": length, "batch": batch, "error": "out of memory"}


def steps(clock):
    for name, strands in (("caduceus-ps", True), ("caduceus-ph", False)):
        model = caduceus(strands)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
        for length, batch in STEPS:
            ids = torch.randint(7, 11, (batch, length), device=DEVICE)
            labels = ids.masked_fill(torch.rand(batch, length, device=DEVICE) > 0.15, -100)

            def step():
                with torch.autocast(DEVICE, torch.bfloat16):
                    logits = model(ids).logits
                loss = torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), labels.flatten(), ignore_index=-100)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad()

            try:
                step()
                torch.cuda.reset_peak_memory_stats()
                time_ = clock(step, 2, 5, cold=False)
                yield {"model": name, "length": length, "batch": batch, **time_, "tokens_per_s": 1e3 * length * batch / time_["median_ms"],
                       "peak_bytes": torch.cuda.max_memory_allocated()}
            except torch.cuda.OutOfMemoryError:
                optimizer.zero_grad()
                yield out_of_memory(name, length, batch)
        del optimizer
        for length in EMBEDDINGS:
            ids = torch.randint(7, 11, (1, length), device=DEVICE)

            def embed():
                with torch.no_grad(), torch.autocast(DEVICE, torch.bfloat16):
                    return model.caduceus(ids)

            try:
                embed()
                torch.cuda.reset_peak_memory_stats()
                time_ = clock(embed, 2, 5, cold=False)
                yield {"model": f"{name}, embedding", "length": length, "batch": 1, **time_, "tokens_per_s": 1e3 * length / time_["median_ms"],
                       "peak_bytes": torch.cuda.max_memory_allocated()}
            except torch.cuda.OutOfMemoryError:
                yield out_of_memory(f"{name}, embedding", length, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    clock = Clock()
    report = {"benchmark": "anchors", "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "device_name": torch.cuda.get_device_name(),
              "torch": torch.__version__, "limits": limits(clock), "results": [], "missing": {}}
    for name, part in (("mamba_ssm", scans), ("causal_conv1d", convolutions), ("caduceus", steps)):
        try:
            for result in part(clock):
                report["results"].append(result)
                print(json.dumps(result), flush=True)
        except Exception as error:  # an opponent that cannot run here is no reason to lose the others
            report["missing"][name] = f"{type(error).__name__}: {error}".split("\n")[0]
            print(f"{name}: {report['missing'][name]}", flush=True)
        torch.cuda.empty_cache()
        if arguments.json:
            with open(arguments.json, "w", encoding="utf-8") as file:
                json.dump(report, file, indent=2)


main()
