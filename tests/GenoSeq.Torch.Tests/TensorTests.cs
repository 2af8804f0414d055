using System.Runtime.CompilerServices;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Torch.Tests;

public sealed class TensorTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Properties_OfATransposedView_TellItsGeometry()
    {
        Tensor x = arange(0, 24).reshape(2, 3, 4);
        Tensor y = x.transpose(0, 2);
        Assert.Equal(new long[] { 4, 3, 2 }, y.shape);
        Assert.Equal(new long[] { 1, 4, 12 }, y.stride());
        Assert.Equal(12, y.stride(-1));
        Assert.Equal(3, y.size(1));
        Assert.Equal(2, y.size(-1));
        Assert.Equal(3, y.dim());
        Assert.Equal(24, y.numel());
        Assert.Equal(ScalarType.Int64, y.dtype);
        Assert.False(y.is_contiguous());
        Assert.Equal(x.data_ptr(), y.data_ptr());
        Assert.Equal(x.data_ptr() + (12 * sizeof(long)), x.select(0, 1).data_ptr());
    }

    [Theory]
    [InlineData(2)]
    [InlineData(-3)]
    public void Size_DimensionOutOfRange_Throws(int dim)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => zeros([2, 3]).size(dim));
        Assert.Throws<ArgumentOutOfRangeException>(() => zeros([2, 3]).stride(dim));
    }

    [Fact]
    public void AsSpan_Contiguous_SharesTheStorage()
    {
        Tensor x = zeros([2, 2]);
        x.AsSpan<float>()[3] = 5;
        Assert.Equal(5, x.select(0, 1).select(0, 1).ToDouble());
        Assert.Equal(2, x.select(0, 1).AsSpan<float>().Length);
    }

    [Fact]
    public void AsSpan_NonContiguous_IsRefusedAndToArrayCopies()
    {
        Tensor x = tensor<float>([1f, 2, 3, 4], 2, 2).t();
        var e = Assert.Throws<InvalidOperationException>(() => _ = x.AsSpan<float>().Length);
        Assert.Contains("f32[2, 2]", e.Message, StringComparison.Ordinal);
        Assert.Equal(new float[] { 1, 3, 2, 4 }, x.ToArray<float>());
    }

    [Fact]
    public void AsSpan_WrongElementType_IsRefused()
    {
        Tensor x = zeros([2]);
        Assert.Throws<InvalidOperationException>(() => _ = x.AsSpan<double>().Length);
        Assert.Throws<InvalidOperationException>(() => _ = x.AsSpan<int>().Length);
        Assert.Throws<InvalidOperationException>(() => _ = x.AsSpan<ushort>().Length);
    }

    [Fact]
    public void AsSpan_BFloat16_ShowsItsBitsAsUshort()
    {
        Tensor x = tensor<float>([1f, -2f, 3.140625f]).to(bfloat16);
        Assert.Equal(new ushort[] { 0x3F80, 0xC000, 0x4049 }, x.AsSpan<ushort>().ToArray());
        Assert.Throws<InvalidOperationException>(() => _ = x.AsSpan<Half>().Length);
        Assert.Equal(new Half[] { (Half)1, (Half)(-2) }, tensor<float>([1f, -2f]).to(float16).ToArray<Half>());
    }

    [Fact]
    public void AsSpan_TooLong_IsRefusedWithoutOverflow()
    {
        Tensor x = zeros([1], ScalarType.Byte);
        Tensor wide = x.expand(1L << 31);
        Assert.Throws<InvalidOperationException>(() => _ = wide.AsSpan<byte>().Length);
        Tensor reserved = empty([1L << 31], ScalarType.Byte);
        var e = Assert.Throws<InvalidOperationException>(() => _ = reserved.AsSpan<byte>().Length);
        Assert.Contains("2147483648", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tensor_ValuesDoNotFillShape_Throws()
    {
        Assert.Throws<ArgumentException>(() => tensor<float>([1f, 2, 3], 2, 2));
    }

    [Fact]
    public void Empty_TensorWithoutElements_Works()
    {
        Tensor x = zeros([0, 3]);
        Assert.Equal(0, x.numel());
        Assert.Empty(x.ToArray<float>());
        Assert.Equal(new long[] { 0, 3 }, x.neg().shape);
    }

    [Fact]
    public void Version_CountsChangesInPlace()
    {
        Tensor x = zeros([2]);
        int before = x._version;
        x.add_(1);
        x.select(0, 0).fill_(7);
        Assert.Equal(before + 2, x._version);
        x.bump_version();
        Assert.Equal(before + 3, x._version);
    }

    [Fact]
    public void Alias_OutlivesTheFirstWrapper()
    {
        Tensor x = ones([3]);
        Tensor y = x.alias();
        x.Dispose();
        Assert.True(x.IsDisposed);
        Assert.Equal(3, y.sum().ToDouble());
    }

    [Fact]
    public void SetData_TakesOverStorageAndShape()
    {
        Tensor x = zeros([2]);
        Tensor y = ones([3, 1]);
        x.set_data(y);
        Assert.Equal(new long[] { 3, 1 }, x.shape);
        Assert.Equal(y.data_ptr(), x.data_ptr());
    }

    [Fact]
    public void Describe_AndToString_TellTypeAndShape()
    {
        Assert.Equal("bf16[2, 0]", zeros([2, 0], bfloat16).ToString());
        Assert.Equal("bool[]", zeros([], torch.@bool).ToString());
        Tensor x = zeros([1]);
        x.Dispose();
        Assert.Equal("a disposed tensor", x.ToString());
    }

    [Fact]
    public void Finalizer_WithoutScope_FreesTheMemory()
    {
        using (DisposeScope none = NewDisposeScope())
        {
            // Warm up the allocator.
            zeros([1 << 20]).Dispose();
        }

        long before = Memory.Resident();
        for (int k = 0; k < 40; k++)
        {
            Abandon();
            Memory.Collect();
        }

        // 40 tensors of 16 MiB, nobody disposed them. Other tests of the process allocate meanwhile (104 MiB were seen once), so half of the 640 MiB is the limit.
        Assert.InRange(Memory.Resident() - before, long.MinValue, 320L << 20);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Abandon() => ones([4 << 20]).DetachFromDisposeScope();
}
