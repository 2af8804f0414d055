# one launch of each kernel, for the profiler: launch_once.py B L
from gs import *
B, L = int(sys.argv[1]), int(sys.argv[2])
k = ScanKernels(tl=8, fb=3, bb=2, greg=1, bx={"GS_SEL_REGS": 1}).load()
p = Problem(B, L, 512, groups=8)
for _ in range(2): p.fwd(k); p.bwd(k)
torch.cuda.synchronize()
