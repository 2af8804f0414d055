// A stand-in for NVIDIA's management library with its calling interface: one device, whose memory clock is not told.
#include <string.h>

int nvmlInit_v2(void) { return 0; }
int nvmlDeviceGetHandleByPciBusId_v2(const char* bus, void** device) { static int d; *device = &d; return strcmp(bus, "0000:46:00.0") == 0 ? 0 : 6; }
int nvmlDeviceGetClockInfo(void* device, int type, unsigned* mhz) { *mhz = 1980; return device && type == 1 ? 0 : 3; }
int nvmlDeviceGetPowerUsage(void* device, unsigned* milliwatts) { *milliwatts = 345600; return device ? 0 : 2; }
int nvmlDeviceGetUtilizationRates(void* device, unsigned* rates) { rates[0] = 97; rates[1] = 41; return device ? 0 : 2; }
