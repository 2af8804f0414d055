"""The kernels outside the mixer on a GPU: checks against fp64 by torch, then times. Figures: docs/kernels-gpu-heads.md."""
from gs import *
import glob, torch.nn.functional as F
t00 = time.time(); dev = "cuda"; torch.zeros(1, device=dev); torch.cuda.synchronize(); bf = torch.bfloat16; table = []
import traceback
def safe(f):
    def g(*a, **k):
        try: return f(*a, **k)
        except Exception: print("FAILED", f.__name__, a, k, traceback.format_exc()[-700:], flush=True)
        finally: torch.cuda.empty_cache()
    return g
def D(**k): return k
EMB = lambda w, **k: (["common.cu", "split_mma.cu", "embedding.cu"], D(GS_WIDTH=w, E_ROWS=32, **k))
HEAD = lambda d, s, b, **k: (["common.cu", "split_mma.cu", "head_loss.cu"], D(H_D=d, H_STRANDS=s, H_BLOCKS=b, **k))
ROWS = lambda d, s, v, **k: (["common.cu", "head_rows.cu"], D(R_D=d, R_STRANDS=s, R_VOCAB=v, R_PITCH=(v + 7) // 8 * 8, **k))
ROPE = lambda h, **k: (["common.cu", "rope.cu"], D(T_HALF=h, T_EACH=8, **k)); GLU = lambda w, **k: (["common.cu", "swiglu.cu"], D(S_WIDTH=w, S_EACH=8, **k))
ADAM = (["common.cu", "adamw.cu"], {}); RED = (["common.cu", "reduce.cu"], {})
heads = [HEAD(256, 1, 2), HEAD(256, 1, 3), HEAD(512, 1, 2), HEAD(256, 2, 1), HEAD(256, 2, 2), HEAD(512, 2, 1), HEAD(64, 2, 3), HEAD(256, 2, 1, GS_F32_IO=1), HEAD(40, 1, 3, GS_F32_IO=1)]
jobs = heads + [EMB(256), EMB(512), EMB(256, GS_F32_IO=1), EMB(200), ROWS(256, 1, 264), ROWS(256, 2, 264), ROPE(32), GLU(1024), GLU(1024, GS_F32_IO=1), ADAM, RED]
build_all(jobs); print("built", round(time.time() - t00, 1), flush=True)
M = {}
def mod(j):
    k = str(j)
    if k not in M: M[k] = Module(*j)
    return M[k]
# NVRTC
so = [x for x in glob.glob("/usr/local/cuda*/lib64/libnvrtc.so.1*") + glob.glob("/opt/torch/.venv/lib/python3*/site-packages/nvidia/*/lib/libnvrtc.so.1*") if "builtins" not in x and "alt" not in x]
def nvrtc(j):
    rt = C.CDLL(so[0]); pr = C.c_void_p(); rt.nvrtcCreateProgram(C.byref(pr), source(j[0]).encode(), b"k.cu", 0, None, None)
    o = [b"--gpu-architecture=sm_90", b"-std=c++17"] + [f"-D{a}={b}".encode() for a, b in j[1].items()]
    r = rt.nvrtcCompileProgram(pr, len(o), (C.c_char_p * len(o))(*o)); n = C.c_size_t(); rt.nvrtcGetProgramLogSize(pr, C.byref(n)); b = C.create_string_buffer(n.value); rt.nvrtcGetProgramLog(pr, b)
    return f"{j[0][-1]} {'ok' if r == 0 else 'FAILED'} {b.value.decode()[:500]}"
try:
    with ThreadPoolExecutor(8) as ex: print("nvrtc", list(ex.map(nvrtc, [HEAD(256, 2, 2), EMB(256), ROWS(256, 2, 264), ROPE(32), GLU(1024), ADAM])), flush=True)
except Exception as e: print("nvrtc:", e)
def S(name, ptrs, longs, ints): return type(name, (C.Structure,), {"_fields_": [(n, P) for n in ptrs.split()] + [(n, C.c_longlong) for n in longs.split()] + [(n, C.c_float if n in ("scale", "cap", "z") else C.c_int) for n in ints.split()]})
Emb = S("Emb", "ids comp weight out dx part", "rows", "batch length vocab parts"); Sum = S("Sum", "i o", "", "rows columns")
Head = S("Head", "h weight comp targets weights factor dh part totals", "", "batch length vocab scale cap z"); HSum = S("HSum", "part comp dw block totals", "", "blocks vocab grid pad")
Rows = S("Rows", "targets weights factor h chunk logits grad dh offsets list block totals", "", "rows length capacity first size slot slots scale gradients pad")
Glu = S("Glu", "gate up out dout dgate dup", "stride gstride total", "rows pad"); Adam = S("Adam", "params chunks hyper part norm", "", "count norms")
RT = S("RT", "i o", "ib ir ih ob orr oh", "")
class Rope(C.Structure): _fields_ = [("t", RT * 2), ("cos", P), ("sin", P)] + [(n, C.c_int) for n in "length hq hk rows inverse pad".split()]
sumrows = mod(RED).fn("gs_sum_rows", 0, 1024)
x = torch.empty(1 << 30, device=dev, dtype=torch.uint8); y = torch.empty_like(x); COPY = 2 * x.numel() / bench(lambda: y.copy_(x)) / 1e9; del x, y; print("copy TB/s", round(COPY, 3))
def T(name, f, byts, extra=""):
    ms = bench(f, 10, 2); tb = byts / ms / 1e9; line = f"{name:58s} {ms:8.3f} ms {tb:6.2f} TB/s {100 * tb / COPY:4.0f} % {extra}"; table.append(line); print(line, flush=True); return ms
def comp_map(v):
    m = list(range(v))
    for i in range(0, v - 3, 4): m[i], m[i + 3], m[i + 1], m[i + 2] = i + 3, i, i + 2, i + 1
    return torch.tensor(m, device=dev, dtype=torch.int32)
def reg(f): return f"regs {f.r} occ {f.occ}"
# ---- embedding
@safe
def embed(V, B, L, W, both, dt=bf, time_=True):
    kw = {"GS_F32_IO": 1} if dt == torch.float32 else {}; m = mod(EMB(W, **kw)); S2 = 2 if both else 1
    ids = torch.randint(0, V, (B, L), device=dev, dtype=torch.int32); w = torch.randn(V, W, device=dev); cm = comp_map(V) if both else None
    out = torch.empty(S2 * B, L, W, device=dev, dtype=dt); dx = torch.randn(S2 * B, L, W, device=dev, dtype=dt); rows = S2 * B * L; small = V <= 16; groups = -(-W // 64)
    parts = max(1, min(2 * SMS * 8 // groups, -(-rows // 32))) if small else -(-rows // 4096); R = 16 if small else V
    part = torch.empty(parts, R, W, device=dev); dw = torch.empty(R, W, device=dev)
    a = Emb(ptr(ids), ptr(cm), ptr(w), ptr(out), ptr(dx), ptr(part), rows, B, L, V, parts); fw = m.fn("gs_embed_fwd", 0, 256); bw = m.fn("gs_embed_bwd_small" if small else "gs_embed_bwd_table", 0, 256); s = Sum(ptr(part), ptr(dw), parts, R * W)
    fwd = lambda: fw(-(-rows // 32), a); bwd = lambda: (bw(-(-parts * groups // 8) if small else (parts, -(-W // 256)), a), sumrows(-(-R * W // 32), s))
    fwd(); bwd(); torch.cuda.synchronize()
    full = torch.cat([ids, cm[ids.flip(1).long()]]) if both else ids
    ok = torch.equal(out, w[full.long()].to(dt)); ref = torch.zeros(V, W, device=dev, dtype=torch.float64).index_add_(0, full.flatten().long(), dx.view(-1, W).double()) if rows * W < 5e7 else None
    e = rel(dw[:V], ref) if ref is not None else float("nan"); d1 = dw.clone(); bwd(); torch.cuda.synchronize(); print(f"embed V{V} {B}x{L}x{W} both={both} {dt}: fwd exact {ok} dw {e if e == e else "not compared"} repeat {torch.equal(d1, dw)} {reg(fw)} {reg(bw)}", flush=True)
    if time_:
        es = 2 if dt == bf else 4; T(f"embed fwd V{V} {rows}x{W}", fwd, rows * W * es); T(f"embed bwd V{V} {rows}x{W}", bwd, rows * W * es)
    return fwd, bwd, (ids, w, cm, out, dx, part, dw)
embed(12, 3, 1001, 256, True, torch.float32, False); embed(16, 3, 777, 200, True, bf, False)
embed(16, 16, 8192, 256, False); embed(16, 1, 1048576, 256, False); embed(16, 1, 524288, 256, True); embed(16, 1, 1048576, 512, False); embed(264, 1, 1048576, 256, False)
ids = torch.randint(0, 16, (131072,), device=dev); w = torch.randn(16, 256, device=dev, dtype=bf, requires_grad=True); g = torch.randn(131072, 256, device=dev, dtype=bf)
T("  torch embedding fwd V16 131072x256", lambda: F.embedding(ids, w), 131072 * 512); T("  torch embedding fwd+bwd V16 131072x256", lambda: torch.autograd.grad(F.embedding(ids, w), w, g), 131072 * 1024)
# ---- fused head
def smem(K, es): p = (K + 63) // 64 * 64; return 32 * ((p * es + 127) // 128 * 128 + 32) + 16 * p * 4 + 8 * 32 * 18 * 4 + 32 * 20 * 4 + 288 * 4 + 1024 + 64
@safe
def head(V, B, L, d, both, share, blocks, dt=bf, check=False, weighted=False, cap=0.0, z=0.0):
    kw = {"GS_F32_IO": 1} if dt == torch.float32 else {}; n4 = 8 if cap or z else 4; kw.update({"H_OPTIONS": 1} if cap or z else {}); S2 = 2 if both else 1; m = mod(HEAD(d, S2, blocks, **kw)); K = d * S2; pad = (K + 63) // 64 * 64; rows = B * L
    h = torch.randn(S2 * rows, d, device=dev, dtype=dt); w = torch.randn(V, d, device=dev) * 2 / math.sqrt(d); cm = comp_map(V) if both else None
    t = torch.where(torch.rand(rows, device=dev) < share, torch.randint(0, V, (rows,), device=dev), -1).int(); wt = torch.rand(rows, device=dev) if weighted else None
    f = m.fn("gs_head_loss", smem(K, 2 if dt == bf else 4), 256); fs = m.fn("gs_head_sum", 0, 256); grid = min(SMS * max(f.occ, 1), -(-rows // 256))
    dh = torch.full_like(h, float("nan")); part = torch.empty(grid, 16, pad, device=dev); blk = torch.empty(grid, n4, device=dev, dtype=torch.float64); tot = torch.zeros(n4, device=dev, dtype=torch.float64); dw = torch.empty(V, d, device=dev)
    a = Head(ptr(h), ptr(w), ptr(cm), ptr(t), ptr(wt), None, ptr(dh), ptr(part), ptr(blk), B, L, V, 1.0, cap, z); g2 = -(-V * d // 32) + 1; s = HSum(ptr(part), ptr(cm), ptr(dw), ptr(blk), ptr(tot), grid, V, g2, 0)
    run = lambda: (f(grid, a), fs(g2, s)); run(); torch.cuda.synchronize()
    if check:
        H = h.double().requires_grad_(); Wd = w.double().requires_grad_(); lg = H[:rows] @ Wd.t()
        if both: lg = lg + (H[rows:].view(B, L, d).flip(1).reshape(rows, d) @ Wd.t())[:, cm.long()]
        if cap: lg = cap * torch.tanh(lg / cap)
        loss = (F.cross_entropy(lg, t.long(), reduction="none", ignore_index=-1) + z * lg.logsumexp(1) ** 2 * (t >= 0)) * (wt.double() if weighted else 1); sm = loss.sum(); gh, gw = torch.autograd.grad(sm, [H, Wd]); corr = ((lg.argmax(1) == t) & (t >= 0)).sum()
        dh0 = dh.clone(); dw0 = dw.clone(); tt = tot.clone(); run(); torch.cuda.synchronize()
        print(f"head V{V} {B}x{L}x{d} both={both} share={share} {dt}: cap {cap} z {z} loss {abs((tot[0] + tot[4:].sum()) / sm - 1).item():.1e} count {int(tot[2]) == int((t >= 0).sum())} correct {int(tot[3])} {int(corr)} dh {rel(dh, gh):.1e} dw {rel(dw, gw):.1e} repeat {torch.equal(dh0, dh) and torch.equal(dw0, dw) and torch.equal(tt, tot)} {reg(f)}", flush=True); return
    n = int((t >= 0).sum()); es = 2 if dt == bf else 4
    T(f"head V{V} {rows}x{S2}x{d} share {share} blocks {blocks} cap {cap} z {z}", run, (n + rows) * K * es, reg(f))
    if share == 1 and blocks == 2: a.dh = None; T(f"head V{V} {rows}x{S2}x{d} forward only", run, n * K * es)
head(12, 3, 1001, 64, True, 0.5, 3, check=True, weighted=True); head(16, 2, 5003, 256, True, 0.15, 2, check=True, weighted=True); head(16, 2, 5003, 256, True, 0.9, 1, dt=torch.float32, check=True); head(7, 1, 3001, 40, False, 1, 3, dt=torch.float32, check=True); head(16, 1, 20011, 512, True, 1, 1, check=True); head(16, 1, 20011, 256, False, 1, 3, check=True); head(16, 2, 5003, 256, True, 0.15, 2, check=True, weighted=True, cap=2.0, z=0.1); head(7, 1, 3001, 40, False, 1, 3, dt=torch.float32, check=True, cap=1.5)
head(16, 1, 1048576, 256, False, 1, 2, cap=30.0, z=1e-4)
for b in (2, 3): head(16, 16, 8192, 256, False, 1, b); head(16, 1, 1048576, 256, False, 1, b)
head(16, 1, 1048576, 512, False, 1, 2)
for n in (131072, 1048576):
    for share in (1, 0.15): head(16, 1, n, 256, True, share, 2)
head(16, 1, 524288, 512, True, 1, 1); head(16, 1, 524288, 512, True, 0.15, 1)
@safe
def torch_head(rows, d, V):
    h = torch.randn(rows, d, device=dev, dtype=bf, requires_grad=True); w = torch.randn(V, d, device=dev, requires_grad=True); t = torch.randint(0, V, (rows,), device=dev)
    def f():
        l = F.cross_entropy((h @ w.to(bf).t()).float(), t); torch.autograd.grad(l, [h, w])
    T(f"  torch head + loss + bwd V{V} {rows}x{d}", f, 2 * rows * d * 2)
torch_head(131072, 256, 16); torch_head(131072, 256, 264); torch_head(1048576, 256, 16)
# ---- chunks
@safe
def rows_head(V, B, L, d, both, share, size=16384, check=False, out32=False, timed=True):
    S2 = 2 if both else 1; m = mod(ROWS(d, S2, V)); K = d * S2; rows = B * L; pitch = (V + 7) // 8 * 8
    h = torch.randn(S2 * rows, d, device=dev, dtype=bf); w = torch.randn(V, d, device=dev) * 2 / math.sqrt(d); cm = comp_map(V) if both else None
    t = torch.where(torch.rand(rows, device=dev) < share, torch.randint(0, V, (rows,), device=dev), -1).int(); n = int((t >= 0).sum()); cap = n; size = min(size, cap); chunks = -(-cap // size)
    fn = {k: m.fn("gs_rows_" + k, 0, 256) for k in "count offsets list gather loss scatter totals".split()}; lg = min(SMS * fn["loss"].occ, -(-size // 8)); cg = min(SMS * fn["gather"].occ, -(-size * K // 2048)); nb = -(-rows // 1024)
    off = torch.empty(nb + 1, device=dev, dtype=torch.int32); lst = torch.empty(cap, device=dev, dtype=torch.int32); blk = torch.empty(lg * chunks, 4, device=dev, dtype=torch.float64); tot = torch.empty(4, device=dev, dtype=torch.float64)
    W2 = (torch.cat([w, w[cm.long()]], 1) if both else w); W2 = torch.cat([W2, torch.zeros(pitch - V, K, device=dev)]).to(bf); ch = torch.empty(size, K, device=dev, dtype=bf); res = {}
    def run():
        gr = torch.empty(size, pitch, device=dev, dtype=bf); dh = torch.zeros_like(h); dm = torch.zeros(pitch, K, device=dev)
        a = Rows(ptr(t), None, None, ptr(h), ptr(ch), None, ptr(gr), ptr(dh), ptr(off), ptr(lst), ptr(blk), ptr(tot), rows, L, cap, 0, size, 0, lg * chunks, 1.0, 1, 0)
        fn["count"](nb, a); fn["offsets"](1, a); fn["list"](nb, a)
        for i in range(chunks):
            a.first = i * size; a.slot = i * lg; a.chunk = ptr(ch); fn["gather"](cg, a); z = torch.mm(ch, W2.t(), out_dtype=torch.float32); a.logits = ptr(z); fn["loss"](lg, a); dm += torch.mm(gr.t(), ch, out_dtype=torch.float32); dc = gr.mm(W2); a.chunk = ptr(dc); fn["scatter"](cg, a)
        fn["totals"](1, a); dw = dm[:V, :d].clone()
        if both: dw.index_add_(0, cm, dm[:V, d:])
        res.update(dh=dh, dw=dw)
    run(); torch.cuda.synchronize()
    if check:
        H = h.double().requires_grad_(); Wd = w.double().requires_grad_(); l = H[:rows] @ Wd.t()
        if both: l = l + (H[rows:].view(B, L, d).flip(1).reshape(rows, d) @ Wd.t())[:, cm.long()]
        sm = F.cross_entropy(l, t.long(), reduction="sum", ignore_index=-1); gh, gw = torch.autograd.grad(sm, [H, Wd]); print(f"rows V{V} {rows}x{d} both={both}: loss {abs(tot[0] / sm - 1).item():.1e} count {int(tot[2]) == n} dh {rel(res['dh'], gh):.1e} dw {rel(res['dw'], gw):.1e} {reg(fn['loss'])}", flush=True); return
    T(f"chunked head V{V} {rows}x{S2}x{d} share {share} chunk {size}", run, (n + rows) * K * 2)
rows_head(264, 3, 9001, 256, True, 0.3, check=True); rows_head(264, 1, 20011, 256, False, 1, check=True)
for n in (131072, 1048576): rows_head(264, 1, n, 256, False, 1, 65536)
try:
    a = torch.randn(65536, 256, device=dev, dtype=bf); b = torch.randn(264, 256, device=dev, dtype=bf).t(); T("  mm bf16", lambda: torch.mm(a, b), 65536 * (512 + 528)); T("  mm bf16 -> fp32", lambda: torch.mm(a, b, out_dtype=torch.float32), 65536 * (512 + 1056))
except Exception as e: print("mm out_dtype:", str(e)[:200])
# ---- AdamW
@safe
def adam(sizes, steps=3, time_=True):
    class Prm(C.Structure): _fields_ = [(n, P) for n in "p g m v copy".split()] + [("n", C.c_longlong), ("decay", C.c_double), ("rate", C.c_double), ("before", C.c_longlong)]
    m = mod(ADAM); f1, f2, f3 = (m.fn(n, 0, 256) for n in ("gs_adam_norm", "gs_adam_norm_sum", "gs_adam_step"))
    ps = [torch.randn(s, device=dev) for s in sizes]; gs_ = [torch.randn(s, device=dev) for s in sizes]; ms = [torch.zeros(s, device=dev) for s in sizes]; vs = [torch.zeros(s, device=dev) for s in sizes]; cs = [p.to(bf) for p in ps]; ref = [p.clone() for p in ps]
    rows = (Prm * len(sizes))(*[Prm(ptr(p), ptr(g), ptr(a), ptr(b), ptr(c), s, 0.1 if i % 2 else 0.0, 1.0, 0) for i, (p, g, a, b, c, s) in enumerate(zip(ps, gs_, ms, vs, cs, sizes))])
    tab = torch.frombuffer(bytearray(rows), dtype=torch.uint8).to(dev); ch = torch.tensor([[i, k] for i, s in enumerate(sizes) for k in range(-(-s // 16384))], dtype=torch.int32, device=dev); n = ch.shape[0]
    hyp = torch.zeros(9, device=dev, dtype=torch.float64); part = torch.empty(n, device=dev, dtype=torch.float64); norm = torch.empty(2, device=dev, dtype=torch.float64); a = Adam(ptr(tab), ptr(ch), ptr(hyp), ptr(part), ptr(norm), n, 1)
    run = lambda: (f1(n, a), f2(1, a), f3(n, a)); tr = [r.clone().requires_grad_() for r in ref]; opt = torch.optim.AdamW([{"params": [q], "weight_decay": 0.1 if i % 2 else 0.0} for i, q in enumerate(tr)], lr=1e-3, betas=(0.9, 0.95), fused=True)
    for t in range(1, steps + 1):
        hyp.copy_(torch.tensor([1e-3, 0.9, 0.95, 1e-8, 1 - 0.9 ** t, 1 - 0.95 ** t, 1.0, 1.0, t], dtype=torch.float64)); run()
        for q, g in zip(tr, gs_): q.grad = g.clone()
        tn = torch.nn.utils.clip_grad_norm_(tr, 1.0); opt.step()
    torch.cuda.synchronize(); e = max(rel(p - r, q.detach().double() - r.double()) for p, q, r in zip(ps, tr, ref)); print(f"adamw {sum(sizes)}: norm {abs(norm[0] / tn.double() - 1).item():.1e} finite {norm[1].item()} update {e:.1e} copies {all(torch.equal(c, p.to(bf)) for c, p in zip(cs, ps))} {reg(f3)}", flush=True)
    tot = sum(sizes)
    if time_:
        T(f"adamw norm {tot}", lambda: (f1(n, a), f2(1, a)), 4 * tot); T(f"adamw all, with bf16 copy {tot}", run, 34 * tot)
        for r in rows: r.copy = None
        tab.copy_(torch.frombuffer(bytearray(rows), dtype=torch.uint8)); T(f"adamw all {tot}", run, 32 * tot)
        def th(): torch.nn.utils.clip_grad_norm_(tr, 1.0); opt.step()
        T(f"  torch clip + fused AdamW {tot}", th, 32 * tot)
    gs_[0][0] = float("nan"); b4 = ps[0].clone(); run(); torch.cuda.synchronize(); print("  nan step:", norm.tolist(), torch.equal(b4, ps[0]))
adam([7, 16385, 300], time_=False); adam([65536, 256, 4096] * 115); adam([1048576, 512, 262144, 8192] * 76)
# ---- rope, swiglu
@safe
def rope(B, L, H, KV, dh, check=False):
    m = mod(ROPE(dh // 2)); f = m.fn("gs_rope", 0, 256); W = (H + 2 * KV) * dh; x = torch.randn(B, L, H + 2 * KV, dh, device=dev, dtype=bf); qo = torch.empty(B, L, H, dh, device=dev, dtype=bf); ko = torch.empty(B, L, KV, dh, device=dev, dtype=bf)
    th = torch.arange(L, device=dev, dtype=torch.float64)[:, None] * torch.exp(-math.log(1e4) * torch.arange(0, dh, 2, device=dev, dtype=torch.float64) / dh); c, s = th.cos().float().contiguous(), th.sin().float().contiguous()
    a = Rope(); a.t[0] = RT(ptr(x), ptr(qo), L * W, W, dh, L * H * dh, H * dh, dh); a.t[1] = RT(x.data_ptr() + H * dh * 2, ptr(ko), L * W, W, dh, L * KV * dh, KV * dh, dh); a.cos, a.sin, a.length, a.hq, a.hk, a.inverse = ptr(c), ptr(s), L, H, KV, 0; a.rows = max(1, 1024 // ((H + KV) * dh // 16))
    run = lambda: f((-(-L // a.rows), B), a); run(); torch.cuda.synchronize()
    if L * B <= 16384:
        X = x[:, :, :H + KV].double(); lo, hi = X.chunk(2, -1); cc, ss = c.double()[:, None], s.double()[:, None]; r = torch.cat([lo * cc - hi * ss, hi * cc + lo * ss], -1); print(f"rope {B}x{L}: q {rel(qo, r[:, :, :H]):.1e} k {rel(ko, r[:, :, H:]):.1e} {reg(f)}"); return
    a.rows = max(1, 512 // ((H + KV) * dh // 16)); T(f"rope {B}x{L} heads {H}+{KV} d {dh}", run, 2 * B * L * (H + KV) * dh * 2)
rope(2, 4097, 8, 2, 64); rope(16, 8192, 8, 8, 64); rope(1, 1048576, 8, 8, 64)
@safe
def glu(rows, W, dt=bf):
    m = mod(GLU(W, **({"GS_F32_IO": 1} if dt != bf else {}))); fw, bw = m.fn("gs_swiglu_fwd", 0, 256), m.fn("gs_swiglu_bwd", 0, 256); es = 2 if dt == bf else 4; x = torch.randn(rows, 2 * W, device=dev, dtype=dt); o = torch.empty(rows, W, device=dev, dtype=dt); do = torch.randn(rows, W, device=dev, dtype=dt); dx = torch.empty_like(x)
    a = Glu(ptr(x), x.data_ptr() + W * es, ptr(o), ptr(do), ptr(dx), dx.data_ptr() + W * es, 2 * W, 2 * W, rows, max(1, 8192 // W)); n = lambda: -(-rows // a.rows); F1 = lambda: fw(n(), a); B1 = lambda: bw(n(), a); F1(); B1(); torch.cuda.synchronize()
    if rows <= 20000:
        X = x.double().requires_grad_(); Y = F.silu(X[:, :W]) * X[:, W:]; g = torch.autograd.grad(Y, X, do.double())[0]; print(f"swiglu {rows}x{W} {dt}: y {rel(o, Y.detach()):.1e} dx {rel(dx, g):.1e} {reg(fw)} {reg(bw)}"); return
    T(f"swiglu fwd {rows}x{W}", F1, 3 * rows * W * es); T(f"swiglu bwd {rows}x{W}", B1, 5 * rows * W * es)
glu(10001, 1024); glu(10001, 1024, torch.float32); glu(131072, 1024); glu(1048576, 1024)
print("copy TB/s", round(COPY, 3), torch.cuda.get_device_name(), "seconds", round(time.time() - t00, 1)); print("\n".join(table))
