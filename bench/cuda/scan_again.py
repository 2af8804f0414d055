"""The scans of a layer that is computed again, dense checkpoints and step sizes kept: the pre-pass that its first pass saves it, both directions at once with the gate's
kernel behind them, and one direction after the other with the gate there and back in the second. Times in ms, registers, and whether both ways give the same bits.
usage: scan_again.py [LENGTH...]     needs torch and nvcc; by default 131072 and 1048576"""
from scan_forward import *
def gate_back(p, k, dout, g, dz, out):
    a = Gate(); a.y0, a.y1, a.z, a.out, a.dout, a.g, a.dz = ptr(p.x[0].y), ptr(p.x[1].y), ptr(p.z), ptr(out), ptr(dout), ptr(g), ptr(dz)
    a.y0_stride = a.y1_stride = a.out_stride = a.dout_stride = a.g_stride = p.D; a.z_stride = a.dz_stride = 2 * p.D; a.pieces, a.vecs = p.B * p.L * p.D // 8, p.D // 8; k(-(-a.pieces // 256), a)
def in_turn(p, k, gated, dout, dz):
    one = Args.from_buffer_copy(p.a); one.scans = 1; k.keeping(p.warps // 2 * p.a.segments, one)
    one.s[0] = p.a.s[1]; q = one.s[0]; q.z, q.z_stride, q.add, q.y, q.dout, q.dz = ptr(p.z), 2 * p.D, ptr(p.x[0].y), ptr(p.x[0].y), ptr(dout), ptr(dz); gated(p.warps // 2 * p.a.segments, one)
if __name__ == "__main__":
    k = Kernels(rank=16, ck=4); both = (FILES + ["scan_fwd_serial.cu"], {"GS_F32_IO": 0, "GS_CK_STEPS": 4, "GS_DT_RANK": 16, "GS_KEEP_DELTA": 1, "GS_SCAN_GATE": 2}); back = (["common.cu", "gate.cu"], {"GS_F32_IO": 0})
    build_all(k.jobs + [both, back]); k.load(); gated = Module(*both).fn("gs_scan_fwd_serial", k.serial_smem, 32); back = Module(*back).fn("gs_gate_bwd", 0, 256)
    print("keeping", k.keeping.r, k.keeping.occ, "with the gate", gated.r, gated.occ, "gate's kernel", back.r, back.occ, flush=True)
    wrong = 0
    for L in [int(x) for x in sys.argv[1:]] or [131072, 1048576]:
        p = Problem(1, L, 512, 0, 2, rank=16, ck=4).save(True); dout = torch.randn(1, L, 512, device="cuda").bfloat16(); g, out = torch.empty_like(dout), torch.empty_like(dout); dz, dz2 = torch.empty_like(p.z.contiguous().repeat(1, 1, 2))[..., :512], torch.empty_like(p.z.contiguous().repeat(1, 1, 2))[..., :512]
        for S in (66, 132, 264):
            p.cut(S); p.serial(k); kept = [v.keep.clone() for v in p.x]; gate_back(p, back, dout, g, dz, out); d = dout.clone(); in_turn(p, k, gated, d, dz2)
            same = all(torch.equal(a, b) for a, b in ((p.x[0].y, out), (d, g), (dz, dz2), (p.x[0].keep, kept[0]), (p.x[1].keep, kept[1]))); wrong += not same; n = 6
            print(f"{L} steps, {p.a.segments} segments: pre-pass {bench(lambda: p.ends(k), n):.3f}, both directions {bench(lambda: p.main(k), n):.3f}, gate {bench(lambda: gate_back(p, back, dout, g, dz, out), n):.3f}; in turn, with the gate {bench(lambda: in_turn(p, k, gated, d, dz2), n):.3f} ms; same bits: {same}", flush=True)
        del p, dout, g, out, dz, dz2, kept, d; torch.cuda.empty_cache()
    raise SystemExit(wrong > 0)
