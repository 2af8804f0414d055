"""What PyTorch itself reaches with the Transformer that GenoSeq is compared to: run it beside GenoSeq, on the same card.

Eager torch, bf16 autocast, scaled_dot_product_attention with the kernel that torch picks, fused AdamW; one training step of
each shape (median after warm-up) and its peak memory. Prints one JSON document; takes under a minute on an H100.
    python3 bench/cuda/transformer_anchor.py [--attention default|flash|cudnn] [--shapes 128x1024,1x131072]
"""
import argparse
import contextlib
import json
import statistics

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

D_MODEL, N_LAYER, N_HEAD, D_FF, VOCAB = 512, 8, 8, 1408, 16
BACKENDS = {"default": None, "flash": SDPBackend.FLASH_ATTENTION, "cudnn": SDPBackend.CUDNN_ATTENTION}


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(D_MODEL, 3 * D_MODEL, bias=False)
        self.out = nn.Linear(D_MODEL, D_MODEL, bias=False)

    def forward(self, x):
        heads = self.qkv(x).unflatten(-1, (3, N_HEAD, -1)).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(*heads, is_causal=True)
        return self.out(y.transpose(1, 2).flatten(2))


class SwiGlu(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(D_MODEL, D_FF, bias=False)
        self.up = nn.Linear(D_MODEL, D_FF, bias=False)
        self.down = nn.Linear(D_FF, D_MODEL, bias=False)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.mixer = nn.RMSNorm(D_MODEL, eps=1e-5), Attention()
        self.norm2, self.mlp = nn.RMSNorm(D_MODEL, eps=1e-5), SwiGlu()

    def forward(self, x):
        x = x + self.mixer(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, D_MODEL)
        self.layers = nn.ModuleList(Layer() for _ in range(N_LAYER))
        self.norm = nn.RMSNorm(D_MODEL, eps=1e-5)

    def forward(self, ids):
        x = self.embedding(ids)
        for layer in self.layers:
            x = layer(x)
        return F.linear(self.norm(x), self.embedding.weight)


def measure(batch, length, steps, warm_up):
    torch.manual_seed(0)
    model = Transformer().cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    ids = torch.randint(VOCAB, (batch, length + 1), device="cuda")

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", dtype=torch.bfloat16):
            logits = model(ids[:, :-1])
            loss = F.cross_entropy(logits.flatten(0, 1).float(), ids[:, 1:].flatten())
        loss.backward()
        optimizer.step()

    for _ in range(warm_up):
        step()
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    times = []
    for _ in range(steps):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        step()
        end.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(end))
    return {
        "batch": batch,
        "length": length,
        "step_ms": round(statistics.median(times), 2),
        "tokens_per_s": round(batch * length / statistics.median(times) * 1000),
        "peak_gb": round(torch.cuda.max_memory_allocated() / 1e9, 2),
        "parameters": sum(p.numel() for p in model.parameters()),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--attention", choices=BACKENDS, default="default")
    parser.add_argument("--shapes", default="128x1024,16x8192,4x32768,1x131072", help="batch x length, comma-separated")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--warm-up", type=int, default=2)
    options = parser.parse_args()
    backend = BACKENDS[options.attention]
    results = []
    with sdpa_kernel(backend) if backend is not None else contextlib.nullcontext():
        for shape in options.shapes.split(","):
            batch, length = map(int, shape.split("x"))
            results.append(measure(batch, length, options.steps, options.warm_up))
            torch.cuda.empty_cache()
    print(json.dumps({
        "model": f"transformer d_model {D_MODEL}, {N_LAYER} layers, {N_HEAD} heads, d_ff {D_FF}, causal",
        "device": torch.cuda.get_device_name(),
        "torch": torch.__version__,
        "cudnn": torch.backends.cudnn.version(),
        "attention": options.attention,
        "steps": results,
    }, indent=1))


if __name__ == "__main__":
    main()
