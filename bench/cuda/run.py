from gs import *
OUT = os.environ.get("OUT", "."); t00 = time.time(); res = {"device": torch.cuda.get_device_properties(0).name, "torch": torch.__version__, "errors": {}, "ms": {}, "regs": {}}
C1 = {"GS_SEL_REGS": 1}
V = {"main": ScanKernels(tl=8, fb=3, bb=2, greg=1, bx=C1, ww=1), "w2": ScanKernels(tl=8, fb=3, bb=2, greg=1, bx=C1, ww=2),
     "ck32": ScanKernels(tl=8, fb=2, bb=1, greg=1, bx=C1, ck32=1, ww=1), "f32": ScanKernels(tl=8, f32=1, fb=2, bb=1, greg=1, bx=C1, ck32=1, ww=1)}
CONV = {f"R{r}": (["common.cu", "conv1d.cu"], {"V_ROWS": r}) for r in (16, 32, 64)}; CONV["f32"] = (["common.cu", "conv1d.cu"], {"GS_F32_IO": 1})
NORM = {"bf16": (["common.cu", "rmsnorm.cu"], {}), "f32": (["common.cu", "rmsnorm.cu"], {"GS_F32_IO": 1})}; RED = (["common.cu", "reduce.cu"], {})
build_all([j for k in V.values() for j in k.jobs()] + list(CONV.values()) + list(NORM.values()) + [RED])
for n, k in V.items():
    k.load(); res["regs"][n] = dict(fwd=(k.fwd.r, k.fwd.occ, k.fsm), bwd=(k.bwd.r, k.bwd.occ, k.bsm), wide=(k.wide.r, k.wide.occ, k.wsm)); print(n, res["regs"][n], flush=True)
print("built", time.time() - t00)
# NVRTC, include-free, as the runtime will do it
try:
    import glob
    so = [x for x in glob.glob("/usr/local/cuda*/lib64/libnvrtc.so.1*") + glob.glob("/opt/torch/.venv/lib/python3*/site-packages/nvidia/*/lib/libnvrtc.so.1*") if "builtins" not in x and "alt" not in x][0]
    rt = C.CDLL(so)
    for files, opts in [(SCAN + ["scan_fwd.cu"], V["main"].key[0]), (SCAN + ["scan_bwd.cu"], V["main"].key[1]), (SCAN + ["scan_reduce.cu"], {}), (SCAN + ["scan_fwd_wide.cu"], {}), (["common.cu", "conv1d.cu"], {}), (["common.cu", "rmsnorm.cu"], {}), (["common.cu", "reduce.cu"], {})]:
        pr = C.c_void_p(); rt.nvrtcCreateProgram(C.byref(pr), source(files).encode(), b"k.cu", 0, None, None)
        o = [b"--gpu-architecture=sm_90", b"-std=c++17"] + [f"-D{a}={b}".encode() for a, b in opts.items()]
        r = rt.nvrtcCompileProgram(pr, len(o), (C.c_char_p * len(o))(*o)); n = C.c_size_t(); rt.nvrtcGetProgramLogSize(pr, C.byref(n)); b = C.create_string_buffer(n.value); rt.nvrtcGetProgramLog(pr, b)
        print("nvrtc", files[-1], "ok" if r == 0 else "FAILED", b.value.decode()[:600], flush=True)
except Exception as e: print("nvrtc check:", e)
for nm, kw in [("main", {}), ("ck32", dict(ck32=1)), ("f32", dict(f32=1, ck32=1))]:
    for B, L, Dm, o in [(3, 1, 64, dict(states=True)), (1, 2, 16, dict(states=True)), (2, 127, 16, dict(rev=(1, 0, 0, 0))), (1, 128, 512, dict(rev=(1, 0, 0, 0))), (1, 1031, 24, dict(ids=True, rev=(1, 0, 0, 0), states=True)), (3, 7, 48, dict(states=True, ids=True, scans=2)), (2, 100, 40, dict(gate=False)), (2, 1029, 256, dict(states=True, ids=True, scans=4, packed=nm != "f32")), (1, 4999, 128, dict(groups=8, rev=(1, 0, 0, 0))), (1, 9973, 512, {})]:
        for wide in (False, True):
            p = Problem(B, L, Dm, **{**kw, **o}); res["errors"][f"{nm} B{B} L{L} D{Dm} {o} wide={wide}"] = check(p, V[nm], f"{nm} B{B} L{L} D{Dm} {o} wide={int(wide)}", wide=wide)
    torch.cuda.empty_cache()
# bits repeat
p = Problem(8, 5000, 512); k = V["main"]; sig = set()
for i in range(6):
    p.fwd(k); p.bwd(k); v = p.x[0]; torch.cuda.synchronize(); sig.add(hash(tuple(t.view(torch.int16 if t.dtype == torch.bfloat16 else torch.int32).cpu().numpy().tobytes() for t in (v.out, v.hl, v.du, v.dd, v.dz, v.dB, v.dC, v.dA, v.dskip, v.dbias, v.dh0))))
res["repeatable"] = len(sig) == 1; print("bitwise repeatable over 6 runs:", len(sig) == 1); del p
x = torch.empty(1 << 30, device="cuda", dtype=torch.uint8); yb = torch.empty_like(x); ms = bench(lambda: yb.copy_(x)); res["copy TB/s"] = 2 * x.numel() / ms / 1e9; print("copy TB/s", res["copy TB/s"]); del x, yb
def T(name, f, el, n=10):
    ms = bench(f, n); res["ms"][name] = ms; print(f"{name}: {ms:.3f} ms {el/ms/1e6:.1f} G/s", clocks(), flush=True); return ms
for B, L, sc in [(64, 1024, 1), (512, 1024, 1), (8, 8192, 1), (1, 131072, 1), (1, 131072, 4), (1, 1048576, 1), (2, 16384, 1)]:
    Dm = 1536 if B == 2 else 512
    p = Problem(B, L, Dm, scans=sc, rev=(0, 1, 0, 1)); el = B * L * Dm * sc; k = V["main"]; tag = f"{B}x{L}x{sc} D{Dm}"
    fs = {"chain": lambda: p.fwd(k)}
    if B >= 32: fs["wide"] = lambda: p.fwdw(k); fs["wide2"] = lambda: p.fwdw(V["w2"])
    for n, f in fs.items(): T(f"{tag} fwd {n} saving", f, el)
    cks = [(p.af.s[i].ckpt, p.af.s[i].y) for i in range(sc)]
    for i in range(sc): p.af.s[i].ckpt = None; p.af.s[i].y = None
    for n, f in fs.items(): T(f"{tag} fwd {n}", f, el)
    for i in range(sc): p.af.s[i].ckpt, p.af.s[i].y = cks[i]
    p.fwd(k); best = None
    for G in ({64: (32,), 512: (16,), 8: (8, 16), 2: (16,), 1: (4, 8)}[B]): p.set_groups_b(G); ms = T(f"{tag} bwd G{G}", lambda: p.bwd(k), el); best = min(best or (ms, G), (ms, G))
    p.set_groups_b(best[1]); f = fs["wide"] if B >= 32 else fs["chain"]
    T(f"{tag} fwd+bwd (G{best[1]})", lambda: (f(), p.bwd(k)), el); print("  not clean" if int((p.ring != 0).sum()) or int(p.ticket.abs().sum()) else "  clean")
    del p; torch.cuda.empty_cache()
p = Problem(8, 8192, 512, f32=1, ck32=1); k = V["f32"]; el = 8 * 8192 * 512
T("f32 8x8192 fwd save", lambda: p.fwd(k), el); T("f32 8x8192 bwd", lambda: p.bwd(k), el); del p
# conv
red = Module(*RED).fn("gs_sum_rows", 0, 256)
def conv_case(B, L, Dm, mod, rows, f32, rev, ids, ctx, chk=True):
    dt = torch.float32 if f32 else torch.bfloat16; g = torch.Generator(device="cuda").manual_seed(1); rn = lambda *s: torch.randn(*s, generator=g, device="cuda", dtype=dt)
    x, do = rn(B, L, Dm), rn(B, L, Dm); w = torch.randn(Dm, 4, generator=g, device="cuda") * 0.5; bi = torch.randn(Dm, generator=g, device="cuda"); be = rn(B, 3, Dm) if ctx else None
    idt = torch.cumsum((torch.rand(B, L, generator=g, device="cuda") < 0.1).int(), 1).int() if ids else None
    out = torch.full_like(x, float("nan")); dx = torch.full_like(x, float("nan")); dbe = torch.full((B, 3, Dm), float("nan"), device="cuda", dtype=dt) if ctx else None
    gy = -(-L // (4 * rows)); part = torch.full((gy * B, 5 * Dm), float("nan"), device="cuda"); sm = torch.empty(5, Dm, device="cuda")
    a = GsConv(ptr(x), ptr(w), ptr(bi), ptr(be), ptr(idt), ptr(out), ptr(do), ptr(dx), ptr(dbe), ptr(part), Dm, Dm, Dm, Dm, B, L, Dm, rev); s = GsSumRows(ptr(part), ptr(sm), gy * B, 5 * Dm)
    F = mod.fn("gs_conv_fwd", 0, 256); Bk = mod.fn("gs_conv_bwd", 0, 256); grid = (-(-Dm // 256), gy, B)
    fw = lambda: F(grid, a); bw = lambda: (Bk(grid, a), red(-(-5 * Dm // 32), s))
    keep = (x, do, w, bi, be, idt, out, dx, dbe, part, sm)
    if not chk: return fw, bw, keep, F.r, Bk.r
    fw(); bw(); torch.cuda.synchronize()
    X = x.double().requires_grad_(); W = w.double().requires_grad_(); Bi = bi.double().requires_grad_(); Be = (be.double() if ctx else torch.zeros(B, 3, Dm, device="cuda", dtype=torch.float64)).requires_grad_()
    o = X.flip(1) if rev else X; full = torch.cat([Be, o], 1); I = None
    if ids: I = idt.flip(1) if rev else idt
    y = Bi + torch.zeros_like(o)
    for j in range(4):
        m = torch.ones(B, L, 1, device="cuda", dtype=torch.float64)
        if ids and j: m[:, j:, 0] = (I[:, j:] == I[:, :-j]).double()
        y = y + W[:, 3 - j] * full[:, 3 - j:3 - j + L] * m
    y = y * torch.sigmoid(y); y = y.flip(1) if rev else y
    gr = torch.autograd.grad(y, [X, W, Bi, Be], do.double())
    e = dict(out=rel(out, y), dx=rel(dx, gr[0]), dw=rel(sm[:4].flip(0).t(), gr[1]), dbias=rel(sm[4], gr[2]));
    if ctx: e["dbefore"] = rel(dbe, gr[3])
    print("conv", B, L, Dm, "f32" if f32 else "bf16", "rev", rev, "ids", ids, "ctx", ctx, {k: f"{v:.1e}" for k, v in e.items()}, flush=True); res["errors"][f"conv {B} {L} {Dm} f32={f32} rev={rev} ids={ids}"] = e
cm = {k: Module(*v) for k, v in CONV.items()}
for B, L, Dm, rev, ids, ctx in [(2, 1, 16, 0, 0, 1), (2, 2, 512, 1, 0, 1), (3, 1029, 520, 0, 1, 1), (2, 997, 512, 1, 1, 0), (1, 300, 512, 1, 0, 0)]:
    conv_case(B, L, Dm, cm["R32"], 32, 0, rev, ids, ctx); conv_case(B, L, Dm, cm["f32"], 32, 1, rev, ids, ctx)
for B, L in [(8, 8192), (1, 131072)]:
    for r in (16, 32, 64):
        fw, bw, keep, r1, r2 = conv_case(B, L, 512, cm[f"R{r}"], r, 0, 0, 0, 0, chk=False); el = B * L * 512; ms = T(f"conv fwd {B}x{L} R{r} {r1}", fw, el); print("   TB/s", 4 * el / ms / 1e9); ms = T(f"conv bwd {B}x{L} R{r} {r2}", bw, el); print("   TB/s", 6 * el / ms / 1e9)
# norm
nm = {k: Module(*v) for k, v in NORM.items()}
for f32, rows, wd, use_r in [(0, 1001, 256, 1), (0, 77, 200, 0), (1, 1001, 256, 1), (0, 131072, 256, 1), (0, 1048576, 256, 1)]:
    dt = torch.float32 if f32 else torch.bfloat16; M = nm["f32" if f32 else "bf16"]; F = M.fn("gs_norm_fwd", 0, 256); Bk = M.fn("gs_norm_bwd", 0, 256)
    h = torch.randn(rows, wd, device="cuda", dtype=dt); r = torch.randn(rows, wd, device="cuda") if use_r else None; w = torch.rand(wd, device="cuda") + 0.5; ro = torch.empty(rows, wd, device="cuda"); y = torch.empty(rows, wd, device="cuda", dtype=dt); rs = torch.empty(rows, device="cuda")
    dy = torch.randn(rows, wd, device="cuda", dtype=dt); dro = torch.randn(rows, wd, device="cuda"); dr = torch.empty(rows, wd, device="cuda"); dh = torch.empty(rows, wd, device="cuda", dtype=dt); grid = min(-(-rows // 8), SMS * 8); part = torch.empty(grid, wd, device="cuda"); dw = torch.empty(wd, device="cuda")
    a = GsNorm(ptr(h), ptr(r), ptr(w), ptr(ro), ptr(y), ptr(rs), ptr(dy), ptr(dro), ptr(dr), ptr(dh), ptr(part), rows, wd, 1e-5, 0); s = GsSumRows(ptr(part), ptr(dw), grid, wd)
    fw = lambda: F(grid, a); bw = lambda: (Bk(grid, a), red(-(-wd // 32), s)); fw(); bw(); torch.cuda.synchronize()
    if rows < 5000:
        Hh = h.double().requires_grad_(); R = (r.double() if use_r else torch.zeros(rows, wd, device="cuda", dtype=torch.float64)).requires_grad_(); W = w.double().requires_grad_(); q = Hh + R; Y = q * torch.rsqrt((q * q).mean(1, keepdim=True) + 1e-5) * W
        g = torch.autograd.grad([Y, q], [Hh, W], [dy.double(), dro.double()]); e = dict(y=rel(y, Y), r=rel(ro, q), dh=rel(dh, g[0]), dr=rel(dr, g[0]), dw=rel(dw, g[1])); print("norm", rows, wd, f32, {k: f"{v:.1e}" for k, v in e.items()}, F.r, Bk.r); res["errors"][f"norm {rows} {wd} f32={f32}"] = e
    else:
        el = rows * wd; ms = T(f"norm fwd {rows}x{wd}", fw, el); print("   TB/s", 12 * el / ms / 1e9); ms = T(f"norm bwd {rows}x{wd}", bw, el); print("   TB/s", 16 * el / ms / 1e9)
json.dump(res, open(OUT + "/results.json", "w"), indent=1); print("done", time.time() - t00)
