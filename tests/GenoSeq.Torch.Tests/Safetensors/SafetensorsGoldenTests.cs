using GenoSeq.Torch.Safetensors;
using GenoSeq.Torch.Tests.IO;

namespace GenoSeq.Torch.Tests.Safetensors;

/// <summary>Files written by the format's reference implementation.</summary>
public class SafetensorsGoldenTests
{
    private static string[] Files => Directory.GetFiles(Repository.SharedPath("golden"), "*.safetensors");

    [SharedFact]
    public void Open_EveryGoldenFile_AllTensorsAlignedAndFinite()
    {
        Assert.NotEmpty(Files);
        foreach (var path in Files)
        {
            using var file = SafetensorsFile.Open(path);
            Assert.NotEmpty(file.Entries);
            foreach (var entry in file.Entries)
            {
                Assert.True(file.IsAligned(entry.Name), $"{path}: {entry.Name}");
                if (entry.DType == SafetensorsDType.F32)
                    Assert.All(file.ToArray<float>(entry.Name), value => Assert.True(float.IsFinite(value)));
            }
        }
    }

    [SharedFact]
    public void Open_MambaWeights_HaveNamesShapesAndKnownValues()
    {
        using var checkpoint =
            SafetensorsCheckpoint.Open(Path.Combine(Repository.SharedPath("golden"), "mamba-hf.weights.safetensors"));
        Assert.Equal("pt", checkpoint.Metadata["format"]);
        var decay = checkpoint["backbone.layers.0.mixer.A_log"];
        Assert.Equal(2, decay.Shape.Length);
        // A_log is initialised to log(1), log(2), ..., log(d_state) in every row.
        var values = checkpoint.ToArray<float>(decay.Name);
        for (var i = 0; i < values.Length; i++)
            Assert.Equal(Math.Log(1 + (i % decay.Shape[1])), values[i], 1e-6);
    }

    [SharedFact]
    public void Write_TensorsOfEveryGoldenFile_GivesTheReferenceBytes()
    {
        using var folder = new TemporaryFolder();
        foreach (var path in Files)
        {
            using var file = SafetensorsFile.Open(path);
            // Last first: the layout must not depend on the order given.
            var tensors = file.Entries.Reverse().Select(entry => SafetensorsSource.FromBytes(
                entry.Name, entry.DType, entry.Shape, file.Bytes(entry.Name).ToArray()));
            var copy = folder.File(Path.GetFileName(path));
            SafetensorsWriter.WriteFile(copy, tensors, file.Metadata);
            Assert.True(File.ReadAllBytes(path).AsSpan().SequenceEqual(File.ReadAllBytes(copy)), path);
        }
    }
}
