using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using GenoSeq.Models;
using GenoSeq.Torch;

namespace GenoSeq.Inference;

/// <summary>Tells models apart.</summary>
public static class ModelDigest
{
    /// <summary>SHA-256, lower-case hexadecimal, over the configuration and the names, shapes and values of all parameters.</summary>
    public static string Of(SequenceModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(ModelFile.ConfigText(model.Config)));
        foreach ((string name, torch.nn.Parameter parameter) in model.named_parameters())
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{name} [{string.Join(", ", parameter.shape)}]\n"));
            hash.AppendData(MemoryMarshal.AsBytes(parameter.ToArray<float>().AsSpan()));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
