namespace GenoSeq.Torch;

/// <summary>The operators that have a name of their own in this assembly.</summary>
internal static class Ops
{
    internal static readonly Operator
        AddTensor = new("aten::add", "Tensor"), AddScalar = new("aten::add", "Scalar"),
        SubTensor = new("aten::sub", "Tensor"), SubScalar = new("aten::sub", "Scalar"),
        MulTensor = new("aten::mul", "Tensor"), MulScalar = new("aten::mul", "Scalar"),
        DivTensor = new("aten::div", "Tensor"), DivScalar = new("aten::div", "Scalar"),
        Neg = new("aten::neg"), Abs = new("aten::abs"), Exp = new("aten::exp"), Log = new("aten::log"),
        Sqrt = new("aten::sqrt"), Rsqrt = new("aten::rsqrt"), Pow = new("aten::pow", "Tensor_Scalar"),
        Sin = new("aten::sin"), Cos = new("aten::cos"), Tanh = new("aten::tanh"), Sigmoid = new("aten::sigmoid"),
        Relu = new("aten::relu"), Silu = new("aten::silu"), Softplus = new("aten::softplus"), Gelu = new("aten::gelu"), Clamp = new("aten::clamp");

    internal static readonly Operator
        AddTensor_ = new("aten::add_", "Tensor"), AddScalar_ = new("aten::add_", "Scalar"),
        SubTensor_ = new("aten::sub_", "Tensor"), MulTensor_ = new("aten::mul_", "Tensor"),
        MulScalar_ = new("aten::mul_", "Scalar"), DivScalar_ = new("aten::div_", "Scalar"),
        Addcmul_ = new("aten::addcmul_"), Addcdiv_ = new("aten::addcdiv_"), Lerp_ = new("aten::lerp_", "Scalar"),
        Copy_ = new("aten::copy_"), Fill_ = new("aten::fill_", "Scalar"), Zero_ = new("aten::zero_"),
        Uniform_ = new("aten::uniform_"), Normal_ = new("aten::normal_");

    internal static readonly Operator
        Matmul = new("aten::matmul"), Mm = new("aten::mm"), Bmm = new("aten::bmm"), Linear = new("aten::linear"),
        Embedding = new("aten::embedding"), Einsum = new("aten::einsum"), Outer = new("aten::outer"),
        Conv1d = new("aten::conv1d"), BatchNorm = new("aten::batch_norm"), MaxPool1d = new("aten::max_pool1d"), Nll = new("aten::nll_loss"), CrossEntropy = new("aten::cross_entropy_loss"),
        Attention = new("aten::scaled_dot_product_attention");

    internal static readonly Operator
        View = new("aten::view"), Reshape = new("aten::reshape"), Permute = new("aten::permute"),
        Transpose = new("aten::transpose", "int"), T = new("aten::t"), Expand = new("aten::expand"),
        Unsqueeze = new("aten::unsqueeze"), SqueezeDim = new("aten::squeeze", "dim"),
        Flatten = new("aten::flatten", "using_ints"), Contiguous = new("aten::contiguous"),
        Narrow = new("aten::narrow"), Select = new("aten::select", "int"), Slice = new("aten::slice", "Tensor"),
        Chunk = new("aten::chunk"), Split = new("aten::split_with_sizes"), Flip = new("aten::flip"),
        RepeatInterleave = new("aten::repeat_interleave", "self_int"), Cat = new("aten::cat"),
        Stack = new("aten::stack"), Where = new("aten::where", "self");

    internal static readonly Operator
        IndexSelect = new("aten::index_select"), Gather = new("aten::gather"), Index = new("aten::index", "Tensor"),
        MaskedFill = new("aten::masked_fill", "Scalar"), MaskedSelect = new("aten::masked_select"),
        Nonzero = new("aten::nonzero"), Tril = new("aten::tril"), Triu = new("aten::triu");

    internal static readonly Operator
        Sum = new("aten::sum"), SumDim = new("aten::sum", "dim_IntList"), Mean = new("aten::mean"),
        MeanDim = new("aten::mean", "dim"), Max = new("aten::max"), Min = new("aten::min"), Amax = new("aten::amax"),
        Argmax = new("aten::argmax"), Cumsum = new("aten::cumsum"), Norm = new("aten::norm", "Scalar"),
        Logsumexp = new("aten::logsumexp"), Softmax = new("aten::softmax", "int"),
        LogSoftmax = new("aten::log_softmax", "int");

    internal static readonly Operator
        EqTensor = new("aten::eq", "Tensor"), EqScalar = new("aten::eq", "Scalar"),
        NeTensor = new("aten::ne", "Tensor"), NeScalar = new("aten::ne", "Scalar"), LtScalar = new("aten::lt", "Scalar"),
        LeTensor = new("aten::le", "Tensor"), GtTensor = new("aten::gt", "Tensor"), GtScalar = new("aten::gt", "Scalar"),
        GeScalar = new("aten::ge", "Scalar"), Isfinite = new("aten::isfinite"), LogicalOr = new("aten::logical_or"),
        LogicalNot = new("aten::logical_not"), All = new("aten::all"), Any = new("aten::any"),
        Equal = new("aten::equal"), Allclose = new("aten::allclose");

    internal static readonly Operator
        ToDtype = new("aten::to", "dtype"), ToDevice = new("aten::to", "device"), Clone = new("aten::clone"),
        Detach = new("aten::detach"), Item = new("aten::item");
}
