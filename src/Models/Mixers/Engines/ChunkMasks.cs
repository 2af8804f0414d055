using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>
/// Which positions of chunks see each other where several sequences are packed in one row; everything is float, 1 or 0.
/// </summary>
/// <param name="Same">[batch, chunks, 1, C, C]: both belong to one sequence.</param>
/// <param name="ToEnd">[batch, chunks, 1, C]: the position's sequence goes on to the chunk's end.</param>
/// <param name="FromStart">[batch, chunks, 1, C]: the position's sequence comes from before the chunk.</param>
/// <param name="Through">[batch, chunks, 1]: one sequence from before the chunk to its end.</param>
internal sealed record ChunkMasks(Tensor Same, Tensor ToEnd, Tensor FromStart, Tensor Through)
{
    /// <summary>Of ids [batch, 1 + length], the first being the one before; null for none.</summary>
    internal static ChunkMasks? Of(Tensor? ids, long chunks, long size, ScalarType type)
    {
        if (ids is null)
        {
            return null;
        }

        using IDisposable mode = no_grad();
        (long batch, long length) = (ids.size(0), ids.size(1) - 1);
        Tensor own = ids.narrow(1, 1, length);
        long missing = (chunks * size) - length;
        own = (missing == 0 ? own : cat([own, own.narrow(1, length - 1, 1).expand(batch, missing)], 1)).reshape(batch, chunks, 1, size);
        Tensor last = own.narrow(3, size - 1, 1);
        Tensor before = cat([ids.narrow(1, 0, 1).reshape(batch, 1, 1, 1), last.narrow(1, 0, chunks - 1)], 1);
        return new ChunkMasks(
            own.unsqueeze(-1).eq(own.unsqueeze(-2)).to(type), own.eq(last).to(type), own.eq(before).to(type),
            last.eq(before).to(type).squeeze(-1));
    }
}
