namespace GenoSeq.Torch;

// One line an operator: the name, the overload, the arguments in the schema's order. Semantics are torch's.
#pragma warning disable CS1591 // the names are torch's, documented there
public static partial class torch
{
    public partial class Tensor
    {
        // Arithmetic
        public static Tensor operator +(Tensor a, Tensor b) => a.add(b);
        public static Tensor operator +(Tensor a, double b) => a.add(b);
        public static Tensor operator +(double a, Tensor b) => b.add(a);
        public static Tensor operator -(Tensor a, Tensor b) => a.sub(b);
        public static Tensor operator -(Tensor a, double b) => a.sub(b);
        public static Tensor operator -(double a, Tensor b) => b.neg().add(a);
        public static Tensor operator -(Tensor a) => a.neg();
        public static Tensor operator *(Tensor a, Tensor b) => a.mul(b);
        public static Tensor operator *(Tensor a, double b) => a.mul(b);
        public static Tensor operator *(double a, Tensor b) => b.mul(a);
        public static Tensor operator /(Tensor a, Tensor b) => a.div(b);
        public static Tensor operator /(Tensor a, double b) => a.div(b);
        public Tensor add(Tensor other, double alpha = 1) => alpha == 1 ? Ops.AddTensor.Call(this, other) : Ops.AddTensor.Call(this, other, alpha);
        public Tensor add(double other) => Ops.AddScalar.Call(this, other);
        public Tensor sub(Tensor other) => Ops.SubTensor.Call(this, other);
        public Tensor sub(double other) => Ops.SubScalar.Call(this, other);
        public Tensor mul(Tensor other) => Ops.MulTensor.Call(this, other);
        public Tensor mul(double other) => Ops.MulScalar.Call(this, other);
        public Tensor div(Tensor other) => Ops.DivTensor.Call(this, other);
        public Tensor div(double other) => Ops.DivScalar.Call(this, other);
        public Tensor neg() => Ops.Neg.Call(this);
        public Tensor abs() => Ops.Abs.Call(this);
        public Tensor exp() => Ops.Exp.Call(this);
        public Tensor log() => Ops.Log.Call(this);
        public Tensor sqrt() => Ops.Sqrt.Call(this);
        public Tensor rsqrt() => Ops.Rsqrt.Call(this);
        public Tensor square() => mul(this);
        public Tensor pow(double exponent) => Ops.Pow.Call(this, exponent);
        public Tensor sin() => Ops.Sin.Call(this);
        public Tensor cos() => Ops.Cos.Call(this);
        public Tensor tanh() => Ops.Tanh.Call(this);
        public Tensor sigmoid() => Ops.Sigmoid.Call(this);
        public Tensor clamp(double? min = null, double? max = null) => Ops.Clamp.Call(this, min, max);

        // In place
        public Tensor add_(Tensor other, double alpha = 1) { Ops.AddTensor_.CallInPlace(this, other, alpha); return this; }
        public Tensor add_(double other) { Ops.AddScalar_.CallInPlace(this, other); return this; }
        public Tensor sub_(Tensor other) { Ops.SubTensor_.CallInPlace(this, other); return this; }
        public Tensor mul_(Tensor other) { Ops.MulTensor_.CallInPlace(this, other); return this; }
        public Tensor mul_(double other) { Ops.MulScalar_.CallInPlace(this, other); return this; }
        public Tensor div_(double other) { Ops.DivScalar_.CallInPlace(this, other); return this; }
        public Tensor addcmul_(Tensor a, Tensor b, double value = 1) { Ops.Addcmul_.CallInPlace(this, a, b, value); return this; }
        public Tensor addcdiv_(Tensor a, Tensor b, double value = 1) { Ops.Addcdiv_.CallInPlace(this, a, b, value); return this; }
        public Tensor lerp_(Tensor end, double weight) { Ops.Lerp_.CallInPlace(this, end, weight); return this; }
        public Tensor copy_(Tensor source, bool non_blocking = false) { Ops.Copy_.CallInPlace(this, source, non_blocking); return this; }
        public Tensor fill_(double value) { Ops.Fill_.CallInPlace(this, value); return this; }
        public Tensor zero_() { Ops.Zero_.CallInPlace(this); return this; }
        public Tensor uniform_(double from = 0, double to = 1) { Ops.Uniform_.CallInPlace(this, from, to); return this; }
        public Tensor normal_(double mean = 0, double std = 1) { Ops.Normal_.CallInPlace(this, mean, std); return this; }

        // Matrix products
        public Tensor matmul(Tensor other) => Ops.Matmul.Call(this, other);
        public Tensor mm(Tensor other) => Ops.Mm.Call(this, other);
        public Tensor bmm(Tensor other) => Ops.Bmm.Call(this, other);

        // Shape
        public Tensor view(params long[] size) => Ops.View.Call(this, size);
        public Tensor reshape(params long[] size) => Ops.Reshape.Call(this, size);
        public Tensor permute(params long[] dims) => Ops.Permute.Call(this, dims);
        public Tensor transpose(long a, long b) => Ops.Transpose.Call(this, a, b);
        public Tensor t() => Ops.T.Call(this);
        public Tensor expand(params long[] size) => Ops.Expand.Call(this, size);
        public Tensor unsqueeze(long dim) => Ops.Unsqueeze.Call(this, dim);
        public Tensor squeeze(long dim) => Ops.SqueezeDim.Call(this, dim);
        public Tensor flatten(long start = 0, long end = -1) => Ops.Flatten.Call(this, start, end);
        public Tensor contiguous() => Ops.Contiguous.Call(this);
        public Tensor narrow(long dim, long start, long length) => Ops.Narrow.Call(this, dim, start, length);
        public Tensor select(long dim, long index) => Ops.Select.Call(this, dim, index);
        public Tensor slice(long dim, long start, long end, long step = 1) => Ops.Slice.Call(this, dim, start, end, step);
        public Tensor[] chunk(long chunks, long dim = 0) => Array.ConvertAll(Ops.Chunk.CallMany(this, chunks, dim), x => x!);
        public Tensor[] split(long[] sizes, long dim = 0) => Array.ConvertAll(Ops.Split.CallMany(this, sizes, dim), x => x!);
        public Tensor flip(params long[] dims) => Ops.Flip.Call(this, dims);
        public Tensor repeat_interleave(long repeats, long dim) => Ops.RepeatInterleave.Call(this, repeats, dim);

        // Indexing
        public Tensor index_select(long dim, Tensor index) => Ops.IndexSelect.Call(this, dim, index);
        public Tensor gather(long dim, Tensor index) => Ops.Gather.Call(this, dim, index);
        public Tensor index(params Tensor?[] indices) => Ops.Index.Call(this, Arg.OptionalTensors(indices));
        public Tensor masked_fill(Tensor mask, double value) => Ops.MaskedFill.Call(this, mask, value);
        public Tensor masked_select(Tensor mask) => Ops.MaskedSelect.Call(this, mask);
        public Tensor nonzero() => Ops.Nonzero.Call(this);
        public Tensor tril(long diagonal = 0) => Ops.Tril.Call(this, diagonal);
        public Tensor triu(long diagonal = 0) => Ops.Triu.Call(this, diagonal);

        // Reductions
        public Tensor sum(ScalarType? dtype = null) => Ops.Sum.Call(this, dtype);
        public Tensor sum(long[] dim, bool keepdim = false, ScalarType? dtype = null) => Ops.SumDim.Call(this, dim, keepdim, dtype);
        public Tensor mean() => Ops.Mean.Call(this, Arg.None);
        public Tensor mean(long[] dim, bool keepdim = false) => Ops.MeanDim.Call(this, dim, keepdim, Arg.None);
        public Tensor max() => Ops.Max.Call(this);
        public Tensor min() => Ops.Min.Call(this);
        public Tensor amax(params long[] dim) => Ops.Amax.Call(this, dim, false);
        public Tensor argmax(long dim, bool keepdim = false) => Ops.Argmax.Call(this, dim, keepdim);
        public Tensor cumsum(long dim) => Ops.Cumsum.Call(this, dim, Arg.None);
        public Tensor norm() => Ops.Norm.Call(this, 2.0);
        public Tensor logsumexp(long dim, bool keepdim = false) => Ops.Logsumexp.Call(this, new[] { dim }, keepdim);
        public Tensor softmax(long dim) => Ops.Softmax.Call(this, dim, Arg.None);
        public Tensor log_softmax(long dim) => Ops.LogSoftmax.Call(this, dim, Arg.None);

        // Comparison
        public Tensor eq(Tensor other) => Ops.EqTensor.Call(this, other);
        public Tensor eq(double other) => Ops.EqScalar.Call(this, other);
        public Tensor ne(Tensor other) => Ops.NeTensor.Call(this, other);
        public Tensor ne(double other) => Ops.NeScalar.Call(this, other);
        public Tensor lt(double other) => Ops.LtScalar.Call(this, other);
        public Tensor le(Tensor other) => Ops.LeTensor.Call(this, other);
        public Tensor gt(Tensor other) => Ops.GtTensor.Call(this, other);
        public Tensor gt(double other) => Ops.GtScalar.Call(this, other);
        public Tensor ge(double other) => Ops.GeScalar.Call(this, other);
        public Tensor isfinite() => Ops.Isfinite.Call(this);
        public Tensor logical_or(Tensor other) => Ops.LogicalOr.Call(this, other);
        public Tensor logical_not() => Ops.LogicalNot.Call(this);
        public Tensor all() => Ops.All.Call(this);
        public Tensor any() => Ops.Any.Call(this);
        public bool equal(Tensor other) => Ops.Equal.CallScalar(this, other) != 0;
        public bool allclose(Tensor other, double rtol = 1e-5, double atol = 1e-8) => Ops.Allclose.CallScalar(this, other, rtol, atol) != 0;

        // Type, device, graph
        public Tensor to(ScalarType type) => Ops.ToDtype.Call(this, type);
        public Tensor to(Device device) => Ops.ToDevice.Call(this, device, dtype);
        public Tensor cpu() => to(Device.CPU);
        public Tensor clone() => Ops.Clone.Call(this);
        public Tensor detach() => Ops.Detach.Call(this);
        public double ToDouble() => Ops.Item.CallScalar(this);
        public float ToSingle() => (float)ToDouble();
        public long ToInt64() => Ops.Item.CallInteger(this);
        public double item() => ToDouble();
    }

    public static Tensor cat(Tensor[] tensors, long dim = 0) => Ops.Cat.Call(tensors, dim);
    public static Tensor stack(Tensor[] tensors, long dim = 0) => Ops.Stack.Call(tensors, dim);
    public static Tensor where(Tensor condition, Tensor x, Tensor y) => Ops.Where.Call(condition, x, y);
    public static Tensor matmul(Tensor a, Tensor b) => a.matmul(b);
    public static Tensor einsum(string equation, params Tensor[] operands) => Ops.Einsum.Call(equation, operands);
    public static Tensor outer(Tensor a, Tensor b) => Ops.Outer.Call(a, b);
}
