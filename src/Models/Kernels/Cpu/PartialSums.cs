namespace GenoSeq.Models.Kernels.Cpu;

/// <summary>Adds the work items' partial sums in item order, whatever threads made them.</summary>
internal static unsafe class PartialSums<TOps, TVec>
    where TOps : ISimd<TVec>
    where TVec : unmanaged
{
    /// <summary>target = (accumulate ? target : 0) + sum of [items, count] over items.</summary>
    public static void Write(float* partial, int items, int count, float* target, bool accumulate)
    {
        for (int d = 0; d < count; d += TOps.Width)
        {
            int lanes = Math.Min(TOps.Width, count - d);
            TVec sum = TOps.Broadcast(0f);
            for (int item = 0; item < items; item++)
                sum = TOps.Add(sum, Lanes<TOps, TVec>.Load(partial + ((long)item * count) + d, lanes));
            if (accumulate) sum = TOps.Add(sum, Lanes<TOps, TVec>.Load(target + d, lanes));
            Lanes<TOps, TVec>.Store(target + d, sum, lanes);
        }
    }
}
