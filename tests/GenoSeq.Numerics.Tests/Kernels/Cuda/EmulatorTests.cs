using GenoSeq.Emulator;
using GenoSeq.Models.Kernels.Cuda;

namespace GenoSeq.Numerics.Tests.Kernels.Cuda;

/// <summary>What the emulator must do, and the mistakes it must find: otherwise tests of kernels prove little.</summary>
public sealed unsafe class EmulatorTests
{
    private const string Text = """
        // END OF PRIMITIVES
        struct Args { float* out; const float* in; u64* words; int bad; };
        extern "C" __global__ void __launch_bounds__(64) barrier(const __grid_constant__ Args p)
        {
            __shared__ float a[64], b[2][32];
            a[threadIdx.x] = (float)threadIdx.x;
            if (!p.bad) __syncthreads();
            b[threadIdx.x >> 5][threadIdx.x & 31] = a[63 - threadIdx.x];
            __syncthreads();
            p.out[blockIdx.x * 64 + threadIdx.x] = b[threadIdx.x >> 5][threadIdx.x & 31];
        }
        extern "C" __global__ void index(const __grid_constant__ Args p)
        {
            __shared__ float a[32];
            a[threadIdx.x + p.bad] = 1.0f;
        }
        extern "C" __global__ void dynamic(const __grid_constant__ Args p)
        {
            extern __shared__ __align__(16) unsigned char smem[];
            float* f = (float*)smem;
            f[threadIdx.x + p.bad] = 1.0f;
        }
        extern "C" __global__ void align(const __grid_constant__ Args p)
        {
            if (threadIdx.x == 0) *(float4*)(p.out + p.bad) = make_float4(1.0f, 2.0f, 3.0f, 4.0f);
        }
        extern "C" __global__ void copy(const __grid_constant__ Args p)
        {
            __shared__ float a[128];
            gs_copy16(a + threadIdx.x * 4, p.in + threadIdx.x * 4);
            gs_copy_commit();
            if (!p.bad) gs_copy_wait();
            p.out[threadIdx.x] = a[threadIdx.x * 4];
        }
        extern "C" __global__ void diverge(const __grid_constant__ Args p)
        {
            float v = (float)threadIdx.x;
            if (!p.bad || threadIdx.x < 16) v = gs_xor(v, 1);
            else __syncthreads();
            p.out[threadIdx.x] = v;
        }
        extern "C" __global__ void wait(const __grid_constant__ Args p)
        {
            u32 value, tag = 0;
            if (blockIdx.x == (p.bad ? 1 : 0)) gs_st_word(p.words, 7.0f, 1, true);
            while (tag == 0) gs_ld_word(p.words, value, tag);
            p.out[threadIdx.x] = __uint_as_float(value);
        }
        extern "C" __global__ void mma(const __grid_constant__ Args p)
        {
            const int g = threadIdx.x >> 2, q = threadIdx.x & 3;
            const float* a = p.in;
            const float* b = p.in + 128;
            float4 c = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
            gs_mma_tf32(c, a[g * 8 + q], a[(g + 8) * 8 + q], a[g * 8 + q + 4], a[(g + 8) * 8 + q + 4], b[q * 8 + g], b[(q + 4) * 8 + g]);
            float* to = p.out + g * 8 + 2 * q;
            to[0] = c.x; to[1] = c.y; to[64] = c.z; to[65] = c.w;
        }
        extern "C" __global__ void tiles(const __grid_constant__ Args p)
        {
            extern __shared__ __align__(16) unsigned char smem[];
            u16* a = (u16*)smem;      // [16 m][16 k]
            u16* turned = a + 256;    // [16 k][16 m]
            u16* b = turned + 256;    // [16 k][8 n]
            const int lane = threadIdx.x, g = lane >> 2, q = lane & 3, low = lane & 7, odd = lane >> 3 & 1, far = lane >> 4;
            for (int i = lane; i < 256; i += 32) a[i] = gs_to_bf16(p.in[i]);
            for (int i = lane; i < 128; i += 32) b[i] = gs_to_bf16(p.in[i + 3]);
            gs_barrier(1, 32);
            u32 r[4], s[2];
            gs_ld_tiles4(r, a + (low + odd * 8) * 16 + far * 8);
            gs_st_tiles4_turned(turned + (low + far * 8) * 16 + odd * 8, r[0], r[1], r[2], r[3]);
            gs_warp_sync();
            gs_ld_tiles4_turned(r, turned + (low + far * 8) * 16 + odd * 8);
            gs_ld_tiles2_turned(s, b + (lane & 15) * 8);
            float4 c = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
            if (p.bad) { gs_mma_bf16_k8(c, r[0], r[1], s[0]); gs_mma_bf16_k8(c, r[2], r[3], s[1]); }
            else gs_mma_bf16(c, r[0], r[1], r[2], r[3], s[0], s[1]);
            float* to = p.out + g * 8 + 2 * q;
            to[0] = c.x; to[1] = c.y; to[64] = c.z; to[65] = c.w;
        }
        """;

    private static readonly EmulatedProgram s_program = new("test", Text, []);

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public void Barrier_AnyOrder_OrdersThreads(int seed)
    {
        float[] result = Run("barrier", 64, 3, seed: seed);
        Assert.Equal(Enumerable.Range(0, 192).Select(i => (float)(63 - (i % 64))), result);
    }

    [Fact]
    public void MissingBarrier_ShowsAsNaN() => Assert.Contains(Run("barrier", 64, 1, bad: 1), float.IsNaN);

    [Fact]
    public void IndexOutsideSharedArray_IsFound() => Assert.Contains("index 32 is outside", Error("index", 32, 1, bad: 1), StringComparison.Ordinal);

    [Fact]
    public void WritePastDynamicMemory_IsFound() =>
        Assert.Contains("past the end of shared memory", Error("dynamic", 32, 1, bad: 1, shared: 128), StringComparison.Ordinal);

    [Fact]
    public void MisalignedStore_IsFound() => Assert.Contains("misaligned", Error("align", 32, 1, bad: 1), StringComparison.Ordinal);

    [Fact]
    public void CopyWithoutWait_ShowsAsNaN()
    {
        Assert.DoesNotContain(Run("copy", 32, 1), float.IsNaN);
        Assert.All(Run("copy", 32, 1, bad: 1), v => Assert.True(float.IsNaN(v)));
    }

    [Fact]
    public void DivergedCollective_IsFound() => Assert.Contains("all threads wait", Error("diverge", 32, 1, bad: 1), StringComparison.Ordinal);

    [Fact]
    public void WordFromLaterBlock_NeedsResidentBlocks()
    {
        Assert.Contains("does not come", Error("wait", 32, 2, bad: 1), StringComparison.Ordinal);
        Assert.All(Run("wait", 32, 2, bad: 1, seed: 1, resident: 2)[..32], v => Assert.Equal(7, v));
    }

    [Fact]
    public void ArgumentOfAnotherSize_IsRefused()
    {
        var device = new EmulatedDevice();
        KernelFunction f = device.Function(s_program, "align", 32);
        Assert.Contains("bytes", Assert.Throws<InvalidOperationException>(() => device.Launch(f, (1, 1, 1), 1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Mma_MultipliesAsDocumented()
    {
        float[] c = Run("mma", 32, 4);
        for (int i = 0; i < 16; i++)
        {
            for (int j = 0; j < 8; j++)
            {
                float expected = Enumerable.Range(0, 8).Sum(k => Input((i * 8) + k) * Input(128 + (k * 8) + j));
                Assert.Equal(expected, c[(i * 8) + j]);
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Tiles_LoadTurnAndMultiplyAsDocumented(int halves)
    {
        float[] c = Run("tiles", 32, 4, bad: halves, shared: 2 * (256 + 256 + 128));
        for (int i = 0; i < 16; i++)
        {
            for (int j = 0; j < 8; j++)
            {
                float expected = Enumerable.Range(0, 16).Sum(k => Input((i * 16) + k) * Input((k * 8) + j + 3));
                Assert.Equal(expected, c[(i * 8) + j]);
            }
        }
    }

    private static float Input(int i) => ((i * 7) % 13) - 6;

    private static string Error(string entry, int threads, int blocks, int bad, int shared = 0) =>
        Assert.Throws<InvalidOperationException>(() => Run(entry, threads, blocks, bad, shared)).Message;

    private static float[] Run(string entry, int threads, int blocks, int bad = 0, int shared = 0, int seed = 0, int resident = 1)
    {
        using var memory = new DeviceMemory(f32: true);
        int n = threads * blocks;
        var args = new Args
        {
            Out = memory.Floats(n),
            In = memory.Floats([.. Enumerable.Range(0, 256).Select(i => (double)Input(i))]),
            Words = (ulong*)memory.Raw(8, fill: 0),
            Bad = bad,
        };
        var device = new EmulatedDevice { Seed = seed, Resident = resident };
        device.Launch(device.Function(s_program, entry, threads, shared), (blocks, 1, 1), args);
        memory.CheckGuards();
        return new ReadOnlySpan<float>(args.Out, n).ToArray();
    }

    private struct Args
    {
        public float* Out, In;
        public ulong* Words;
        public int Bad;
    }
}
