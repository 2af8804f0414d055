using System.Security.Cryptography;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Distributed;

/// <summary>Makes the ranks' models one, and proves it.</summary>
internal static class ParameterSync
{
    /// <summary>Copies rank 0's parameters and buffers to all ranks and compares digests of what they have then.</summary>
    /// <exception cref="RankFailedException">A rank has something else.</exception>
    internal static void Broadcast(nn.Module model, RankGroup group)
    {
        if (group.IsAlone)
        {
            return;
        }

        using IDisposable mode = no_grad();
        foreach (Tensor t in Tensors(model))
        {
            group.Broadcast(t);
            t.bump_version();
        }

        RequireEqual(model, group, "receiving rank 0's weights");
    }

    /// <summary>Compares digests of parameters and buffers.</summary>
    /// <param name="model">The model.</param>
    /// <param name="group">The ranks.</param>
    /// <param name="doing">What was being done, for the message.</param>
    /// <exception cref="RankFailedException">A rank has another digest than rank 0.</exception>
    internal static void RequireEqual(nn.Module model, RankGroup group, string doing)
    {
        string[] digests = group.Gather(Digest(model));
        int other = Array.FindIndex(digests, d => d != digests[0]);
        if (other >= 0)
        {
            throw new RankFailedException(other, doing, $"its weights have the digest {digests[other][..12]}, rank 0's {digests[0][..12]}"
                + "\n  expected: the same weights on every rank\n  try: the same program, libraries and kind of device on every rank");
        }
    }

    /// <summary>SHA-256 of names, shapes and bits of parameters and buffers, in hexadecimal.</summary>
    internal static string Digest(nn.Module model)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((string name, nn.Parameter p) in model.named_parameters())
        {
            Add(hash, name, p);
        }

        foreach ((string name, Tensor b) in model.named_buffers())
        {
            Add(hash, name, b);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static IEnumerable<Tensor> Tensors(nn.Module model) =>
        model.named_parameters().Select(p => (Tensor)p.parameter).Concat(model.named_buffers().Select(b => b.buffer));

    private static void Add(IncrementalHash hash, string name, Tensor t)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        hash.AppendData(System.Text.Encoding.UTF8.GetBytes($"{name} {t.dtype} [{string.Join(", ", t.shape)}]\n"));
        Tensor here = t.detach().cpu().contiguous();
        Append(hash, here);
        GC.KeepAlive(here);
    }

    private static unsafe void Append(IncrementalHash hash, Tensor t)
    {
        const long AtOnce = 1 << 26;
        long bytes = t.numel() * t.dtype.ElementSize();
        for (long done = 0; done < bytes; done += AtOnce)
        {
            hash.AppendData(new ReadOnlySpan<byte>((byte*)t.data_ptr() + done, (int)Math.Min(AtOnce, bytes - done)));
        }
    }
}
