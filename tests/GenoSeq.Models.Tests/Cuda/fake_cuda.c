// A stand-in for CUDA's driver with its calling interface. Two devices; what was called is counted, what shall go wrong is set.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct fake_state
{
  int version, init, capability, launch_status, blocks;       // set by tests
  int loads, launches, shared_attribute, context_sets;        // counted
  unsigned grid[3], threads, shared;
  void* stream;
  long long argument[4];
  void* launch_context;
  char module[512];
};
struct fake_state fake = { 13000, 0, 90, 0, 4 };
struct fake_state* fake_get(void) { return &fake; }

static __thread void* context;
static int contexts[2];

int cuInit(unsigned flags) { return flags ? 1 : fake.init; }
int cuDriverGetVersion(int* v) { *v = fake.version; return 0; }
int cuDeviceGetCount(int* n) { *n = 2; return 0; }
int cuDeviceGet(int* d, int i) { if (i < 0 || i > 1) return 101; *d = 70 + i; return 0; }
int cuDeviceGetName(char* name, int n, int d) { snprintf(name, n, "Fake GPU %d", d - 70); return 0; }
int cuDeviceGetPCIBusId(char* id, int n, int d) { snprintf(id, n, "0000:%02x:00.0", d); return 0; }
int cuDeviceGetAttribute(int* v, int a, int d)
{
  (void)d;
  *v = a == 16 ? 132 : a == 75 ? fake.capability / 10 : a == 76 ? fake.capability % 10 : a == 97 ? 232448 : -1;
  return *v < 0 ? 1 : 0;
}
int cuDevicePrimaryCtxRetain(void** c, int d) { *c = &contexts[d - 70]; return 0; }
int cuDevicePrimaryCtxRelease_v2(int d) { (void)d; return 0; }
int cuCtxGetCurrent(void** c) { *c = context; return 0; }
int cuCtxSetCurrent(void* c) { context = c; __sync_fetch_and_add(&fake.context_sets, 1); return 0; }
int cuModuleLoadData(void** m, const char* image)
{
  if (!context) return 201;
  __sync_fetch_and_add(&fake.loads, 1);
  snprintf(fake.module, sizeof fake.module, "%s", image);
  *m = &fake.module;
  return 0;
}
int cuModuleGetFunction(void** f, void* m, const char* name) { if (!context) return 201; if (m != &fake.module || strstr(name, "absent")) return 500; *f = &fake.module[1]; return 0; }
int cuFuncGetAttribute(int* v, int a, void* f) { (void)f; *v = a == 0 ? 1024 : a == 1 ? 2048 : a == 3 ? 16 : a == 4 ? 99 : -1; return *v < 0 ? 1 : 0; }
int cuFuncSetAttribute(void* f, int a, int v) { (void)f; if (a != 8 || v > 232448 - 2048) return 1; fake.shared_attribute = v; return 0; }
int cuOccupancyMaxActiveBlocksPerMultiprocessor(int* n, void* f, int threads, size_t shared) { (void)f; (void)threads; (void)shared; *n = fake.blocks; return 0; }
int cuLaunchKernel(void* f, unsigned x, unsigned y, unsigned z, unsigned bx, unsigned by, unsigned bz, unsigned shared, void* stream, void** params, void** extra)
{
  if (!context) return 201;
  if (f != &fake.module[1] || by != 1 || bz != 1 || extra) return 1;
  __sync_fetch_and_add(&fake.launches, 1);
  fake.grid[0] = x; fake.grid[1] = y; fake.grid[2] = z; fake.threads = bx; fake.shared = shared; fake.stream = stream;
  memcpy(fake.argument, params[0], sizeof fake.argument);
  fake.launch_context = context == &contexts[0] ? (void*)1 : (void*)2;
  return fake.launch_status;
}
int cuStreamSynchronize(void* s) { (void)s; return 0; }
int cuMemGetInfo_v2(size_t* f, size_t* t) { if (!context) return 201; *f = 1000; *t = 2000; return 0; }
int cuGetErrorName(int e, const char** n) { *n = e == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS" : e == 701 ? "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES" : e == 500 ? "CUDA_ERROR_NOT_FOUND" : "CUDA_ERROR_OTHER"; return 0; }
int cuGetErrorString(int e, const char** t) { (void)e; *t = "the text of it"; return 0; }
