// A stand-in for NVRTC with its calling interface: "compiles" to a text of the options and the source's length, and refuses #error.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef MAJOR
#define MAJOR 13
#endif
struct program { char binary[4096]; char log[256]; size_t source; };

int nvrtcVersion(int* major, int* minor) { *major = MAJOR; *minor = 2; return 0; }
const char* nvrtcGetErrorString(int code) { return code == 6 ? "NVRTC_ERROR_COMPILATION" : "NVRTC_ERROR"; }
int nvrtcGetNumSupportedArchs(int* n) { *n = 3; return 0; }
int nvrtcGetSupportedArchs(int* a) { a[0] = 90; a[1] = 75; a[2] = 80; return 0; }
int nvrtcCreateProgram(void** p, const char* source, const char* name, int headers, const char* const* h, const char* const* names)
{
  struct program* q = calloc(1, sizeof *q);
  if (!q || headers != 0 || h || names || strcmp(name, "genoseq.cu") != 0) return 3;
  q->source = strlen(source);
  if (strstr(source, "FAKE_ERROR")) strcpy(q->log, "fake.cu(3): error: FAKE_ERROR\n");
  *p = q;
  return 0;
}
int nvrtcCompileProgram(void* p, int n, const char* const* options)
{
  struct program* q = p;
  for (int i = 0; i < n; i++)
  {
    if (strstr(options[i], "FAKE_ERROR")) strcpy(q->log, "fake.cu(3): error: FAKE_ERROR\n");
    if (strstr(options[i], "FAKE_BUILTINS"))
    {
      strcpy(q->log, "nvrtc: error: failed to open libnvrtc-builtins.so.13.2.\n");
      return 7;
    }
    strcat(strcat(q->binary, options[i]), " ");
  }
  sprintf(q->binary + strlen(q->binary), "%zu", q->source);
  return q->log[0] ? 6 : 0;
}
int nvrtcDestroyProgram(void** p) { free(*p); *p = 0; return 0; }
int nvrtcGetProgramLogSize(void* p, size_t* n) { *n = strlen(((struct program*)p)->log) + 1; return 0; }
int nvrtcGetProgramLog(void* p, char* to) { strcpy(to, ((struct program*)p)->log); return 0; }
int nvrtcGetCUBINSize(void* p, size_t* n) { *n = strlen(((struct program*)p)->binary) + 6; return 0; }
int nvrtcGetCUBIN(void* p, char* to) { memcpy(to, "cubin ", 6); memcpy(to + 6, ((struct program*)p)->binary, strlen(((struct program*)p)->binary)); return 0; }
int nvrtcGetPTXSize(void* p, size_t* n) { *n = strlen(((struct program*)p)->binary) + 5; return 0; }
int nvrtcGetPTX(void* p, char* to) { sprintf(to, "ptx %s", ((struct program*)p)->binary); return 0; }
