using static GenoSeq.Torch.torch;

namespace GenoSeq.Torch.Tests;

public sealed class OperatorTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Call_TrailingArgumentsLeftOut_TakeTheSchemasDefaults()
    {
        Tensor x = tensor<float>([3f, 1, 2]);
        // sort(self, dim=-1, descending=False)
        Tensor[] ascending = new Operator("aten::sort").CallMany(x)!;
        Tensor[] descending = new Operator("aten::sort").CallMany(x, Arg.Default, true)!;
        Assert.Equal(new float[] { 1, 2, 3 }, ascending[0].ToArray<float>());
        Assert.Equal(new long[] { 1, 2, 0 }, ascending[1].ToArray<long>());
        Assert.Equal(new float[] { 3, 2, 1 }, descending[0].ToArray<float>());
    }

    [Fact]
    public void CallTensors_NumbersAmongTheResults_AreNull()
    {
        // (Tensor, Tensor, Tensor, Tensor, int): the last says which implementation ran.
        Tensor?[] r = new Operator("aten::_batch_norm_impl_index").CallTensors(rand([2, 3, 4]), Arg.None, Arg.None, Arg.None, Arg.None,
            true, 0.1, 1e-5, false);
        Assert.Equal(5, r.Length);
        Assert.Equal([2L, 3, 4], r[0]!.shape);
        Assert.Equal([3L], r[1]!.shape);
        Assert.Null(r[4]);
    }

    [Fact]
    public void Call_Overload_ChoosesAmongArgumentTypes()
    {
        Tensor x = tensor<float>([1f, 2]);
        Assert.Equal(new float[] { 11, 12 }, new Operator("aten::add", "Scalar").Call(x, 10.0).ToArray<float>());
        Assert.Equal(new float[] { 2, 4 }, new Operator("aten::add", "Tensor").Call(x, x).ToArray<float>());
        Assert.Equal(new float[] { 4, 8 }, new Operator("aten::add", "Tensor").Call(x, x, 3.0).ToArray<float>());
    }

    [Theory]
    [InlineData("aten::add", "NoSuchOverload")]
    [InlineData("aten::no_such_operator", "")]
    public void Call_UnknownOperator_NamesItAndTheVersion(string name, string overload)
    {
        var op = new Operator(name, overload);
        Assert.False(op.Exists);
        var e = Assert.Throws<MissingLibraryException>(() => op.Call(zeros([1])));
        Assert.Contains(op.FullName, e.Message, StringComparison.Ordinal);
        Assert.Contains(__version__, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Call_TooManyArguments_SaysHowManyItTakes()
    {
        var e = Assert.Throws<TorchException>(() => new Operator("aten::neg").Call(zeros([1]), 1L, 2L));
        Assert.Contains("aten::neg", e.Message, StringComparison.Ordinal);
        Assert.Contains("takes 1", e.Message, StringComparison.Ordinal);
        Assert.Contains("given 3", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Call_ArgumentWithoutDefaultMissing_NamesIt()
    {
        var e = Assert.Throws<TorchException>(() => new Operator("aten::matmul").Call(zeros([1])));
        Assert.Contains("'other' has no default", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Call_ShapesDoNotFit_MessageHasOperatorShapesAndTypes()
    {
        var e = Assert.Throws<TorchException>(() => zeros([2, 3]).matmul(zeros([4, 5], float64)));
        Assert.Equal("aten::matmul", e.Operator);
        Assert.Equal("f32[2, 3], f64[4, 5]", e.Arguments);
        Assert.StartsWith("aten::matmul(f32[2, 3], f64[4, 5]): ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Call_NoneForOptionalTensor_LeavesItOut()
    {
        Tensor x = tensor<float>([1f, 2], 1, 2);
        Tensor w = tensor<float>([3f, 4], 1, 2);
        Tensor b = tensor<float>([10f], 1);
        var linear = new Operator("aten::linear");
        Assert.Equal(11, linear.Call(x, w, (Tensor?)null).ToDouble());
        Assert.Equal(11, linear.Call(x, w, Arg.None).ToDouble());
        Assert.Equal(21, linear.Call(x, w, b).ToDouble());
    }

    [Fact]
    public void Call_NoneForRequiredList_IsRefusedByName()
    {
        var e = Assert.Throws<TorchException>(() => new Operator("aten::view").Call(zeros([2]), Arg.None));
        Assert.Contains("'size'", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(511)]
    [InlineData(512)]
    [InlineData(513)]
    [InlineData(3000)]
    public void Call_ListsOfAnyLength_ArriveWhole(int n)
    {
        Tensor x = arange(0, n);
        long[] sizes = Enumerable.Repeat(1L, n).ToArray();
        Tensor[] parts = x.split(sizes);
        Assert.Equal(n, parts.Length);
        Assert.Equal(n - 1, parts[^1].ToInt64());
        Assert.True(cat(parts).equal(x));
    }

    [Fact]
    public void Call_LongListBesideOthers_KeepsEachInItsPlace()
    {
        // 600 tensors and one integer list in one call: the words are rented and shared.
        Tensor[] rows = Enumerable.Range(0, 600).Select(k => full([1, 2], k)).ToArray();
        Tensor column = cat(rows, 0).narrow(0, 0, 600);
        var stack = new Operator("aten::index", "Tensor");
        Tensor picked = stack.Call(column, Arg.OptionalTensors([tensor<long>([599L, 0]), null]));
        Assert.Equal(new float[] { 599, 599, 0, 0 }, picked.ToArray<float>());
    }

    [Fact]
    public void Call_AbsentTensorInAPlainList_IsRefusedNotDereferenced()
    {
        var e = Assert.Throws<TorchException>(() => cat([zeros([1]), null!]));
        Assert.Contains("tensor 1 of the list is absent", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Call_String_IsRead()
    {
        Tensor x = tensor<float>([0.5f]);
        double exact = new Operator("aten::gelu").Call(x, "none").ToDouble();
        double tanh = new Operator("aten::gelu").Call(x, "tanh").ToDouble();
        Assert.Equal(0.34573123, exact, 6);
        Assert.Equal(0.34571401, tanh, 6);
        var e = Assert.Throws<TorchException>(() => new Operator("aten::gelu").Call(x, "brauchbar"));
        Assert.Contains("\"brauchbar\"", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Call_LongUnicodeString_ArrivesInBytes()
    {
        string text = new string('ä', 3000);
        var e = Assert.Throws<TorchException>(() => new Operator("aten::einsum").Call(text, new[] { zeros([1]) }));
        Assert.Contains(text, e.Arguments!, StringComparison.Ordinal);
    }

    [Fact]
    public void Call_TypeAndDevice_ReachTheFactory()
    {
        Tensor x = new Operator("aten::ones").Call(new long[] { 2 }, ScalarType.Float64, Arg.None, Device.CPU);
        Assert.Equal(ScalarType.Float64, x.dtype);
        Assert.Equal(DeviceType.CPU, x.device.Type);
        Assert.Throws<TorchException>(() => zeros([1], float32, new Device((DeviceType)99)));
    }

    [Fact]
    public void Call_DoubleForInteger_IsRefusedByNameAndIntegerForDoubleConverted()
    {
        Tensor x = arange(0, 6).reshape(2, 3);
        var e = Assert.Throws<TorchException>(() => new Operator("aten::select", "int").Call(x, 0.5, 1L));
        Assert.Contains("'dim' is of type int", e.Message, StringComparison.Ordinal);
        // dropout's p is a float in the schema
        Assert.True(new Operator("aten::dropout").Call(ones([4]), 0L, true).equal(ones([4])));
    }

    [Fact]
    public void Call_TensorForNumberAndNumberForTensor_AreRefusedByName()
    {
        Assert.Contains("'other'",
            Assert.Throws<TorchException>(() => new Operator("aten::add", "Scalar").Call(ones([1]), ones([1]))).Message,
            StringComparison.Ordinal);
        Assert.Contains("'other'",
            Assert.Throws<TorchException>(() => new Operator("aten::add", "Tensor").Call(ones([1]), 1L)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Call_BoolList_SelectsGradients()
    {
        Tensor x = ones([1, 1, 4]);
        Tensor w = ones([1, 1, 2]);
        Tensor?[] g = new Operator("aten::convolution_backward").CallMany(ones([1, 1, 3]), x, w, Arg.None, new long[] { 1 },
            new long[] { 0 }, new long[] { 1 }, false, new long[] { 0 }, 1L, new[] { true, false, false });
        Assert.Equal(new float[] { 1, 2, 2, 1 }, g[0]!.ToArray<float>());
        Assert.Null(g[1]);
        Assert.Null(g[2]);
    }

    [Fact]
    public void Call_OfSeveralResults_ThrowsAndFreesThem()
    {
        Tensor x = zeros([1 << 20]);
        var sort = new Operator("aten::sort");
        long before = Memory.Resident();
        for (int k = 0; k < 20; k++)
        {
            var e = Assert.Throws<TorchException>(() => sort.Call(x));
            Assert.Contains("aten::sort returned 2 values", e.Message, StringComparison.Ordinal);
            Assert.Throws<TorchException>(() => sort.CallScalar(x));
        }

        // 40 calls of 12 MiB each would show.
        Assert.InRange(Memory.Resident() - before, long.MinValue, 120L << 20);
    }

    [Fact]
    public void CallScalar_Kinds_AreReadAndIntegersAreExact()
    {
        const long odd = (1L << 53) + 1;
        Tensor big = tensor<long>([odd], 1);
        Assert.Equal(odd, big.ToInt64());
        Assert.Equal(3, tensor<float>([3.75f], 1).ToInt64());
        Assert.Equal(3.75, tensor<float>([3.75f], 1).ToDouble());
        Assert.Equal(1, new Operator("aten::equal").CallScalar(big, big));
        Assert.Throws<TorchException>(() => zeros([2]).ToDouble());
    }

    [Fact]
    public void Call_DisposedTensor_ThrowsObjectDisposed()
    {
        Tensor x = ones([1]);
        x.Dispose();
        Assert.Throws<ObjectDisposedException>(() => x.neg());
        Assert.Throws<ObjectDisposedException>(() => x.numel());
    }

    [Fact]
    public void Call_HugeAllocation_IsOutOfMemoryWithOperator()
    {
        var e = Assert.Throws<TorchOutOfMemoryException>(() => empty([1L << 46], float64));
        Assert.Equal("aten::empty.memory_format", e.Operator);
    }

    [Fact]
    public void Call_FromFourThreads_EachGetsItsOwnError()
    {
        string[] seen = new string[4];
        Parallel.For(0, 4, new ParallelOptions { MaxDegreeOfParallelism = 4 }, k =>
        {
            using DisposeScope scope = NewDisposeScope();
            for (int i = 0; i < 200; i++)
            {
                var e = Assert.Throws<TorchException>(() => zeros([2, k + 1]).matmul(zeros([k + 10, 2])));
                seen[k] = e.Message;
                Assert.Contains($"(2x{k + 1} and {k + 10}x2)", e.Message, StringComparison.Ordinal);
            }
        });
        Assert.Equal(4, seen.Distinct().Count());
    }
}
