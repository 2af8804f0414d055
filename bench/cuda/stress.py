# many launches of the final build where the chain once stopped; bits compared with the first launch. GS_DEBUG build: a stuck wait is reported instead of hanging.
from gs import *
k = ScanKernels(extra={"GS_DEBUG": 1}).load(); out = {}
for B, L, gf, gb, sc in [(8, 8192, 4, 4, 1), (8, 8192, 2, 8, 1), (8, 8192, 1, 16, 1), (4, 16384, 2, 4, 2), (1, 131072, 2, 4, 1), (16, 4096, 4, 4, 1)]:
    p = Problem(B, L, 512, groups=gb, scans=sc); p.groups_f = gf; t = time.time(); n = 0; bad = 0; v = p.x[0]
    p.fwd(k); p.bwd(k); torch.cuda.synchronize(); first = [x.clone() for x in (v.out, v.hl, v.du, v.dd, v.dz, v.dB, v.dC, v.dA, v.dskip, v.dbias, v.dh0)]
    while time.time() - t < 5:
        for _ in range(20): p.fwd(k); p.bwd(k); n += 2
        torch.cuda.synchronize()
        bad += not all(torch.equal(a, b) for a, b in zip(first, (v.out, v.hl, v.du, v.dd, v.dz, v.dB, v.dC, v.dA, v.dskip, v.dbias, v.dh0)))
    s = stuck(p, f"{B}x{L}"); print(B, L, "groups", gf, gb, "scans", sc, "launches", n, "stuck", s, "differing checks", bad, "clean", int((p.ring != 0).sum()) == 0 and int(p.ticket.abs().sum()) == 0, flush=True)
    del p; torch.cuda.empty_cache()
