"""The scans of a layer that is computed again, dense checkpoints and step sizes kept: the pre-pass that its first pass saves it, both directions at once, and the gate's kernel,
there and back, behind them. Times in ms, and registers.
usage: scan_again.py [LENGTH...]     needs torch and nvcc; by default 131072 and 1048576"""
from scan_forward import *
def gate_back(p, k, dout, g, dz, out):
    a = Gate(); a.y0, a.y1, a.z, a.out, a.dout, a.g, a.dz = ptr(p.x[0].y), ptr(p.x[1].y), ptr(p.z), ptr(out), ptr(dout), ptr(g), ptr(dz)
    a.y0_stride = a.y1_stride = a.out_stride = a.dout_stride = a.g_stride = p.D; a.z_stride = a.dz_stride = 2 * p.D; a.pieces, a.vecs = p.B * p.L * p.D // 8, p.D // 8; k(-(-a.pieces // 256), a)
if __name__ == "__main__":
    k = Kernels(rank=16, ck=4); back = (["common.cu", "gate.cu"], {"GS_F32_IO": 0})
    build_all(k.jobs + [back]); k.load(); back = Module(*back).fn("gs_gate_bwd", 0, 256)
    print("keeping", k.keeping.r, k.keeping.occ, "gate's kernel", back.r, back.occ, flush=True)
    for L in [int(x) for x in sys.argv[1:]] or [131072, 1048576]:
        p = Problem(1, L, 512, 0, 2, rank=16, ck=4).save(True); dout = torch.randn(1, L, 512, device="cuda").bfloat16(); g, out = torch.empty_like(dout), torch.empty_like(dout); dz = torch.empty_like(p.z.contiguous().repeat(1, 1, 2))[..., :512]
        for S in (66, 132, 264):
            p.cut(S); p.serial(k); n = 6
            print(f"{L} steps, {p.a.segments} segments: pre-pass {bench(lambda: p.ends(k), n):.3f}, both directions {bench(lambda: p.main(k), n):.3f}, gate {bench(lambda: gate_back(p, back, dout, g, dz, out), n):.3f} ms", flush=True)
        del p, dout, g, out, dz; torch.cuda.empty_cache()
