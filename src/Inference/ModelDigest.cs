using System.Security.Cryptography;
using GenoSeq.Models;

namespace GenoSeq.Inference;

/// <summary>Identifies a checkpoint by its content.</summary>
internal static class ModelDigest
{
    private const int Shown = 16;

    /// <summary>The first hexadecimal digits of a SHA-256 over the configuration and the weights' files in the order of their names.</summary>
    internal static string Of(string folder)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        string[] files =
        [
            Path.Combine(folder, ModelFile.Configuration),
            .. Directory.GetFiles(folder, "model*.safetensors").Order(StringComparer.Ordinal),
        ];
        byte[] buffer = new byte[1 << 20];
        foreach (string file in files)
        {
            using FileStream stream = File.OpenRead(file);
            for (int read; (read = stream.Read(buffer)) > 0;)
            {
                hash.AppendData(buffer, 0, read);
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..Shown];
    }
}
