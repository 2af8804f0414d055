namespace GenoSeq.Data;

/// <summary>An epoch: where it begins in the run, its windows, and their order.</summary>
/// <param name="Epoch">Epoch number.</param>
/// <param name="FirstSample">Global index of the epoch's first sample.</param>
/// <param name="Cut">Its windows.</param>
/// <param name="Order">Order of the windows, or null for the natural one.</param>
internal sealed record EpochPlan(int Epoch, long FirstSample, EpochCut Cut, KeyedPermutation? Order)
{
    internal bool Contains(long sample) => sample >= FirstSample && sample - FirstSample < Cut.Count;

    internal SampleWindow At(long sample)
    {
        long place = sample - FirstSample;
        return Cut.At(Order is { } order ? order[place] : place);
    }
}
