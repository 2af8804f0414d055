# small launches of every scan kernel for compute-sanitizer
from gs import *
k = ScanKernels(tl=8, fb=3, bb=2, greg=1, bx={"GS_SEL_REGS": 1}, ww=1).load()
for B, L, D, o in [(2, 300, 40, dict(states=True, ids=True, scans=2)), (1, 1, 16, {}), (1, 517, 64, dict(rev=(1, 0, 0, 0), groups=2))]:
    p = Problem(B, L, D, **o); p.fwd(k); p.bwd(k); p.fwdw(k); torch.cuda.synchronize()
print("sanitizer pass done")
