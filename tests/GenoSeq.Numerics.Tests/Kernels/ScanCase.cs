using GenoSeq.Models.Kernels;

namespace GenoSeq.Numerics.Tests.Kernels;

/// <summary>Shape and options of one scan problem.</summary>
internal sealed record ScanCase
{
    public int Batch { get; init; } = 2;
    public int Length { get; init; } = 65;
    public int Channels { get; init; } = 17;
    public int States { get; init; } = 16;
    public bool Skip { get; init; } = true;
    public bool Gate { get; init; } = true;
    public bool Bias { get; init; } = true;
    public bool Softplus { get; init; } = true;
    public bool Reverse { get; init; }
    public bool Initial { get; init; }
    public bool Resets { get; init; }
    public bool FinalGradient { get; init; }
    public bool Checkpoints { get; init; }
    public int Gap { get; init; }
    public bool AccumulateOut { get; init; }
    public ScanAccumulate Accumulate { get; init; }
}

/// <summary>Inputs of one scan problem as dense doubles, mutable for finite differences.</summary>
internal sealed class ScanData
{
    public ScanData(ScanCase c, int seed)
    {
        var random = new Random(seed);
        int rows = c.Batch * c.Length;
        U = Numbers.Uniform(random, rows * c.Channels, -1, 1);
        Delta = Numbers.Uniform(random, rows * c.Channels, c.Softplus ? -4 : 0.01, c.Softplus ? 1 : 0.5);
        A = Numbers.Uniform(random, c.Channels * c.States, -4, -0.05);
        B = Numbers.Uniform(random, rows * c.States, -1, 1);
        C = Numbers.Uniform(random, rows * c.States, -1, 1);
        D = c.Skip ? Numbers.Uniform(random, c.Channels, -1, 1) : null;
        Z = c.Gate ? Numbers.Uniform(random, rows * c.Channels, -3, 3) : null;
        // Without softplus the step size must stay positive, or the recurrence grows without bound.
        Bias = c.Bias ? Numbers.Uniform(random, c.Channels, c.Softplus ? -1 : 0, c.Softplus ? 1 : 0.3) : null;
        Initial = c.Initial ? Numbers.Uniform(random, c.Batch * c.Channels * c.States, -1, 1) : null;
        DOut = Numbers.Uniform(random, rows * c.Channels, -1, 1);
        DFinal = c.FinalGradient ? Numbers.Uniform(random, c.Batch * c.Channels * c.States, -1, 1) : null;
        if (!c.Resets) return;
        Ids = new int[rows];
        int id = 0;
        for (int i = 0; i < rows; i++) Ids[i] = random.Next(9) == 0 ? ++id : id;
    }

    public double[] U { get; set; }
    public double[] Delta { get; set; }
    public double[] A { get; set; }
    public double[] B { get; set; }
    public double[] C { get; set; }
    public double[]? D { get; set; }
    public double[]? Z { get; set; }
    public double[]? Bias { get; set; }
    public double[]? Initial { get; set; }
    public double[] DOut { get; set; }
    public double[]? DFinal { get; set; }
    public int[]? Ids { get; set; }
}
