"""Small driver-API harness: compile CUDA text with nvcc (or NVRTC), load, launch on torch's stream."""
import ctypes as C, os, subprocess, sys, hashlib, re, json, math, time
from concurrent.futures import ThreadPoolExecutor
import torch
HERE = os.path.dirname(os.path.abspath(__file__)); K = os.path.join(HERE, "..", "..", "src", "Models", "Kernels", "Cuda", "Source"); TMP = os.path.join(__import__("tempfile").gettempdir(), "genoseq-cuda"); os.makedirs(TMP, exist_ok=True)
cu = C.CDLL("libcuda.so.1")
def ck(r, what=""):
    if r: raise RuntimeError(f"CUDA driver error {r} {what}")
def source(files): return "\n".join(open(os.path.join(K, f)).read() for f in files)
def compile_cubin(files, defs, maxreg=None):
    src = source(files); key = hashlib.sha1((src + str(sorted(defs.items()))).encode()).hexdigest()[:16]
    f = f"{TMP}/{key}.cu"; o = f"{TMP}/{key}.cubin"; lg = f"{TMP}/{key}.log"
    if not os.path.exists(o):
        open(f, "w").write(src)
        r = subprocess.run(["nvcc", "-std=c++17", "-O3", "-cubin", "-gencode=arch=compute_90a,code=sm_90a", "-Xptxas", "-v", *[f"-D{k}={v}" for k, v in defs.items()], "-o", o, f], capture_output=True, text=True)
        open(lg, "w").write(r.stdout + r.stderr)
        if r.returncode: print(r.stdout + r.stderr, flush=True); raise RuntimeError(f"compile failed {defs}")
    return o, open(lg).read()
def regs(log):
    out = {}
    name = None
    for l in log.splitlines():
        m = re.search(r"Compiling entry function '(\w+)'", l)
        if m: name = m.group(1)
        m = re.search(r"(\d+) bytes spill stores", l)
        if m and name: out.setdefault(name, {})["spill"] = int(m.group(1))
        m = re.search(r"Used (\d+) registers", l)
        if m and name: out.setdefault(name, {})["regs"] = int(m.group(1))
    return out
class Module:
    def __init__(s, files, defs):
        s.path, s.log = compile_cubin(files, defs); s.defs = defs; s.regs = regs(s.log)
        s.mod = C.c_void_p(); data = open(s.path, "rb").read(); s._d = data
        ck(cu.cuModuleLoadData(C.byref(s.mod), data), "load")
    def fn(s, name, smem=0, threads=128):
        f = C.c_void_p(); ck(cu.cuModuleGetFunction(C.byref(f), s.mod, name.encode()), name)
        if smem > 48 * 1024: ck(cu.cuFuncSetAttribute(f, 8, smem), "smem")
        n = C.c_int(); ck(cu.cuOccupancyMaxActiveBlocksPerMultiprocessor(C.byref(n), f, threads, C.c_size_t(smem)))
        return Fn(f, smem, threads, n.value, s.regs.get(name, {}))
class Fn:
    def __init__(s, f, smem, threads, occ, r): s.f, s.smem, s.threads, s.occ, s.r = f, smem, threads, occ, r
    def __call__(s, grid, arg):
        g = (grid, 1, 1) if isinstance(grid, int) else tuple(grid) + (1,) * (3 - len(grid))
        ps = (C.c_void_p * 1)(C.addressof(arg))
        ck(cu.cuLaunchKernel(s.f, *g, s.threads, 1, 1, s.smem, C.c_void_p(torch.cuda.current_stream().cuda_stream), ps, None), "launch")
def build_all(list_):
    list_ = list({str((f, sorted(d.items()))): (f, d) for f, d in list_}.values())
    with ThreadPoolExecutor(14) as ex: return list(ex.map(lambda a: compile_cubin(*a), list_))
def bench(f, n=10, warm=3):
    for _ in range(warm): f()
    ev = [(torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)) for _ in range(n)]
    for a, b in ev: a.record(); f(); b.record()
    torch.cuda.synchronize()
    return sorted(a.elapsed_time(b) for a, b in ev)[n // 2]
def clocks():
    try:
        import pynvml as nv
        nv.nvmlInit(); h = nv.nvmlDeviceGetHandleByIndex(0)
        return nv.nvmlDeviceGetClockInfo(h, 1), nv.nvmlDeviceGetClockInfo(h, 2), nv.nvmlDeviceGetPowerUsage(h) // 1000
    except Exception as e: return (str(e),)
def rel(a, b):
    a = a.double(); b = b.double(); return ((a - b).norm() / (b.norm() + 1e-300)).item()

P = C.c_void_p
N = 16
def ptr(t): return None if t is None else t.data_ptr()
torch.zeros(1, device="cuda"); torch.cuda.synchronize()
SMS = torch.cuda.get_device_properties(0).multi_processor_count
class GsConv(C.Structure):
    _fields_ = [(n, P) for n in "x weight bias before ids out dout dx dbefore part".split()] + [(n, C.c_longlong) for n in "x_stride out_stride dout_stride dx_stride".split()] + [(n, C.c_int) for n in "batch length channels reverse".split()]
class GsSumRows(C.Structure): _fields_ = [("in_", P), ("out", P), ("rows", C.c_int), ("columns", C.c_int)]
class GsNorm(C.Structure):
    _fields_ = [(n, P) for n in "h r weight r_out y rstd dy dr_out dr dh part".split()] + [("rows", C.c_int), ("width", C.c_int), ("eps", C.c_float), ("pad", C.c_int), ("bias", P)]
