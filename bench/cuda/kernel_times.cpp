// Times of every GPU kernel and copy of a program, summed by name, on stderr when it ends, and how long no kernel ran: what a step's time goes to, without
// a profiler's program.
//   g++ -O2 -shared -fPIC kernel_times.cpp -o kernel_times.so -I$CUDA/extras/CUPTI/include -I$CUDA/include -L$CUDA/extras/CUPTI/lib64 -lcupti
//   CUDA_INJECTION64_PATH=$PWD/kernel_times.so genoseq bench step ...
// KERNEL_TIMES_SKIP=N leaves out the first N kernels (warm-up).
#include <cupti.h>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace
{
struct Sum { double ms = 0; long calls = 0; double bytes = 0; };
std::mutex s_lock;
std::map<std::string, Sum> s_sums;
std::vector<std::pair<unsigned long long, unsigned long long>> s_spans; // of kernels
long s_seen = 0, s_skip = 0;
unsigned long long s_first = 0, s_last = 0;

void CUPTIAPI NewBuffer(uint8_t** buffer, size_t* size, size_t* records)
{
    *size = 8 << 20;
    *records = 0;
    *buffer = static_cast<uint8_t*>(aligned_alloc(64, *size));
}

void CUPTIAPI FullBuffer(CUcontext, uint32_t, uint8_t* buffer, size_t, size_t valid)
{
    const std::lock_guard<std::mutex> hold(s_lock);
    CUpti_Activity* record = nullptr;
    while (valid != 0 && cuptiActivityGetNextRecord(buffer, valid, &record) == CUPTI_SUCCESS)
    {
        std::string name;
        unsigned long long from = 0, to = 0;
        double bytes = 0;
        if (record->kind == CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL)
        {
            const auto* k = reinterpret_cast<const CUpti_ActivityKernel4*>(record);
            name = k->name;
            from = k->start; to = k->end;
            if (s_seen >= s_skip) s_spans.emplace_back(from, to);
        }
        else if (record->kind == CUPTI_ACTIVITY_KIND_MEMCPY || record->kind == CUPTI_ACTIVITY_KIND_MEMSET)
        {
            const bool copy = record->kind == CUPTI_ACTIVITY_KIND_MEMCPY;
            if (copy)
            {
                const auto* m = reinterpret_cast<const CUpti_ActivityMemcpy*>(record);
                const char* memory = m->srcKind == CUPTI_ACTIVITY_MEMORY_KIND_PAGEABLE || m->dstKind == CUPTI_ACTIVITY_MEMORY_KIND_PAGEABLE ? " pageable" : "";
                name = m->copyKind == CUPTI_ACTIVITY_MEMCPY_KIND_HTOD ? std::string("[copy to the device") + memory + "]"
                    : m->copyKind == CUPTI_ACTIVITY_MEMCPY_KIND_DTOH ? std::string("[copy to the host") + memory + "]" : "[copy within]";
                from = m->start; to = m->end; bytes = static_cast<double>(m->bytes);
            }
            else
            {
                const auto* m = reinterpret_cast<const CUpti_ActivityMemset*>(record);
                name = "[set]"; from = m->start; to = m->end;
            }
        }
        else continue;
        if (++s_seen <= s_skip) continue;
        if (s_first == 0) s_first = from;
        s_last = std::max(s_last, to);
        Sum& sum = s_sums[name];
        sum.ms += static_cast<double>(to - from) * 1e-6;
        sum.calls++;
        sum.bytes += bytes;
    }
    free(buffer);
}

void Report()
{
    cuptiActivityFlushAll(1);
    const std::lock_guard<std::mutex> hold(s_lock);
    std::vector<std::pair<std::string, Sum>> rows(s_sums.begin(), s_sums.end());
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.second.ms > b.second.ms; });
    double all = 0;
    for (const auto& r : rows) all += r.second.ms;
    std::sort(s_spans.begin(), s_spans.end());
    unsigned long long busy = 0, until = 0;
    for (const auto& [from, to] : s_spans)
    {
        if (to > until) { busy += to - std::max(from, until); until = to; }
    }
    fprintf(stderr, "kernels and copies %.2f ms; a kernel ran in %.2f of the %.2f ms from the first to the last\n", all, static_cast<double>(busy) * 1e-6,
        static_cast<double>(s_last - s_first) * 1e-6);
    for (const auto& r : rows)
    {
        char speed[32] = "";
        if (r.second.bytes > 0) snprintf(speed, sizeof speed, "  %.1f GB/s", r.second.bytes / r.second.ms * 1e-6);
        fprintf(stderr, "%9.3f ms %6ld calls %9.4f ms each  %.110s%s\n", r.second.ms, r.second.calls, r.second.ms / static_cast<double>(r.second.calls), r.first.c_str(), speed);
    }
}
}

extern "C" int InitializeInjection()
{
    const char* skip = getenv("KERNEL_TIMES_SKIP");
    s_skip = skip != nullptr ? atol(skip) : 0;
    cuptiActivityRegisterCallbacks(NewBuffer, FullBuffer);
    cuptiActivityEnable(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL);
    cuptiActivityEnable(CUPTI_ACTIVITY_KIND_MEMCPY);
    cuptiActivityEnable(CUPTI_ACTIVITY_KIND_MEMSET);
    atexit(Report);
    return 1;
}
