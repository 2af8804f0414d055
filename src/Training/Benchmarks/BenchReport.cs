using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using GenoSeq.Models.Kernels.Cuda.Runtime;
using GenoSeq.Training.Runs;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Benchmarks;

/// <summary>Results as JSON: one object, with when, with what and where it was measured at its head.</summary>
public static class BenchReport
{
    private static readonly JsonWriterOptions s_format = new() { Indented = true };

    /// <summary>The head of a report.</summary>
    /// <param name="what">What was measured: kernels, step or memory.</param>
    /// <param name="version">Version of the program; a commit may follow behind a plus sign.</param>
    /// <param name="device">Where.</param>
    /// <param name="threads">Threads of the CPU.</param>
    public static JsonObject Head(string what, string version, BenchDevice device, int threads)
    {
        ArgumentNullException.ThrowIfNull(version);
        ArgumentNullException.ThrowIfNull(device);
        int plus = version.IndexOf('+', StringComparison.Ordinal);
        EnvironmentInfo machine = EnvironmentInfo.Collect(version, threads);
        return new JsonObject
        {
            ["benchmark"] = what,
            ["date"] = DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
            ["version"] = plus < 0 ? version : version[..plus],
            ["commit"] = plus < 0 ? null : version[(plus + 1)..],
            ["device"] = device.Device.ToString(),
            ["device_name"] = device.Name,
            ["multiprocessors"] = device.Properties?.Multiprocessors,
            ["device_memory_bytes"] = device.Properties?.TotalMemory,
            ["driver"] = BenchDevice.DriverVersion(),
            ["libtorch"] = __version__,
            ["cpu_model"] = machine.CpuModel,
            ["cores"] = machine.Cores,
            ["threads"] = threads,
        };
    }

    /// <summary>The measured limits.</summary>
    public static JsonObject Of(BenchLimits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        return new JsonObject
        {
            ["copy_gb_per_s"] = Round(limits.CopyBytesPerSecond / 1e9),
            ["matmul_tflops"] = Round(limits.MatmulFlops / 1e12),
            ["matmul_size"] = limits.MatmulSize,
            ["giga_exponentials_per_s"] = Round(limits.ExponentialsPerSecond / 1e9),
        };
    }

    /// <summary>A kernel's pass.</summary>
    public static JsonObject Of(KernelResult result, BenchLimits limits)
    {
        ArgumentNullException.ThrowIfNull(result);
        var json = new JsonObject { ["kernel"] = result.Kernel, ["pass"] = result.Pass, ["shape"] = result.Shape, ["type"] = result.Type };
        if (result.Error is not null)
        {
            json["error"] = result.Error;
            return json;
        }

        Add(json, result.Time!);
        json["unit"] = result.Unit;
        json["giga_per_s"] = Round(result.GigaPerSecond);
        json["gb_per_s"] = Round(result.Time!.PerSecond(result.Bytes) / 1e9);
        json["share_of_copy"] = Round(result.ShareOfCopy(limits));
        json["share_of_exponentials"] = Round(result.ShareOfExponentials(limits));
        json["repeatable"] = result.Repeatable;
        json["resident_share"] = Round(result.ResidentShare);
        json["launches"] = new JsonArray([.. result.Launches.Select(l => (JsonNode)new JsonObject
        {
            ["entry"] = l.Entry,
            ["blocks"] = l.Blocks,
            ["threads"] = l.Threads,
            ["registers"] = l.Registers,
            ["shared_bytes"] = l.SharedBytes,
            ["local_bytes"] = l.LocalBytes,
            ["resident_share"] = Round(l.ResidentShare),
        })]);
        Add(json, result.State);
        return json;
    }

    /// <summary>An error against the reference.</summary>
    public static JsonObject Of(KernelError error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return new JsonObject { ["kernel"] = error.Kernel, ["quantity"] = error.Quantity, ["relative_norm"] = double.IsFinite(error.RelativeNorm) ? error.RelativeNorm : null };
    }

    /// <summary>Whole steps.</summary>
    public static JsonObject Of(StepResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var json = new JsonObject { ["length"] = result.Shape.Length, ["batch"] = result.Shape.Batch };
        if (result.Error is not null)
        {
            json["error"] = result.Error;
            return json;
        }

        json["parameters"] = result.Parameters;
        Add(json, result.Time!);
        json["tokens_per_s"] = Round(result.TokensPerSecond);
        json["plan"] = result.Plan;
        json["peak_bytes"] = result.PeakBytes;
        json["predicted_bytes"] = result.PredictedBytes;
        json["predicted_over_measured"] = Round(result.PredictedShare);
        Add(json, result.State);
        return json;
    }

    /// <summary>A policy's memory.</summary>
    public static JsonObject Of(MemoryResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return new JsonObject
        {
            ["length"] = result.Shape.Length,
            ["batch"] = result.Shape.Batch,
            ["policy"] = Name(result.Policy),
            ["plan"] = result.Plan,
            ["predicted_bytes"] = result.PredictedBytes,
            ["measured"] = result.Measured is null ? null : Of(result.Measured),
        };
    }

    /// <summary>A policy as the configuration spells it.</summary>
    public static string Name(Configuration.Recompute policy) => Configuration.ConfigNames.ToKey(policy.ToString());

    /// <summary>The text of a report.</summary>
    public static string Text(JsonObject report)
    {
        ArgumentNullException.ThrowIfNull(report);
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, s_format))
        {
            report.WriteTo(writer);
        }

        return System.Text.Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }

    private static void Add(JsonObject json, Timing time)
    {
        json["median_ms"] = Round(time.Median);
        json["min_ms"] = Round(time.Min);
        json["max_ms"] = Round(time.Max);
        json["runs"] = time.Milliseconds.Count;
    }

    private static void Add(JsonObject json, (DeviceSample? Before, DeviceSample? After) state)
    {
        json["before"] = Of(state.Before);
        json["after"] = Of(state.After);
    }

    private static JsonObject? Of(DeviceSample? sample) => sample is not { } s ? null : new JsonObject
    {
        ["sm_clock_mhz"] = s.SmClockMhz,
        ["memory_clock_mhz"] = s.MemoryClockMhz,
        ["power_watts"] = Round(s.PowerWatts),
    };

    // Five digits that count: more is noise.
    private static double? Round(double? value) => value is not { } v || !double.IsFinite(v) ? null
        : double.Parse(v.ToString("G5", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
