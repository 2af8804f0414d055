using GenoSeq.Models.Kernels;

namespace GenoSeq.Numerics.Tests.Kernels;

/// <summary>Against recorded results of mamba_ssm's selective_scan_ref.</summary>
public sealed class SelectiveScanGoldenTests
{
    [SharedFact]
    public void ForwardAndBackward_GoldenInputs_MatchRecordedResults()
    {
        var golden = Golden.Read("selective_scan.safetensors");
        int[] shape = golden["u"].Shape;
        var c = new ScanCase { Batch = shape[0], Channels = shape[1], Length = shape[2], States = golden["A"].Shape[1] };
        var data = new ScanData(c, 0)
        {
            U = Rows("u"),
            Delta = Rows("delta"),
            A = golden["A"].Values,
            B = Rows("B"),
            C = Rows("C"),
            D = golden["D"].Values,
            Z = Rows("z"),
            Bias = golden["delta_bias"].Values,
            DOut = Rows("grad_out"),
        };
        foreach (KernelPath path in (KernelPath[])[KernelPath.Reference, .. KernelPaths.Fast])
        {
            Results actual = ScanRunner.Run<float>(c, data, path);
            Assert.InRange(Numbers.MaxError(actual["out"], Rows("out")), 0, 1e-4);
            Assert.InRange(Numbers.MaxError(actual["final"], golden["last_state"].Values), 0, 1e-4);
            Near(path, actual["du"], Rows("grad.u"));
            Near(path, actual["ddelta"], Rows("grad.delta"));
            Near(path, actual["dA"], golden["grad.A"].Values);
            Near(path, actual["dB"], Rows("grad.B"));
            Near(path, actual["dC"], Rows("grad.C"));
            Near(path, actual["dD"], golden["grad.D"].Values);
            Near(path, actual["dz"], Rows("grad.z"));
            Near(path, actual["dbias"], golden["grad.delta_bias"].Values);
        }

        // The file's [batch, channel, time] as [batch, time, channel].
        double[] Rows(string name)
        {
            (int[] s, double[] values) = golden[name];
            var rows = new double[values.Length];
            for (int b = 0; b < s[0]; b++)
            {
                for (int d = 0; d < s[1]; d++)
                {
                    for (int t = 0; t < s[2]; t++) rows[(((b * s[2]) + t) * s[1]) + d] = values[(((b * s[1]) + d) * s[2]) + t];
                }
            }

            return rows;
        }
    }

    private static void Near(KernelPath path, double[] actual, double[] expected)
    {
        double error = Numbers.NormError(actual, expected);
        Assert.True(error < 1e-3, $"{path}: relative norm of the difference is {error:g3}");
    }
}
