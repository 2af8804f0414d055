using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace GenoSeq.Data;

/// <summary>
/// Byte ids to int32 inputs and labels, for blocks that stay in the first-level cache. Every vector form gives what the
/// scalar one gives.
/// </summary>
internal static class RowKernels
{
    /// <summary>Masked language model; returns the number of targets.</summary>
    /// <param name="mlm">Decides the rare random replacements.</param>
    /// <param name="ids">[n]</param>
    /// <param name="targets">[n], 0xFF where the id is a target, else 0.</param>
    /// <param name="words">[n], a random word for each position.</param>
    /// <param name="inputs">[n]</param>
    /// <param name="labels">[n]</param>
    internal static int Mlm(MlmCorruption mlm, ReadOnlySpan<byte> ids, ReadOnlySpan<byte> targets, ReadOnlySpan<uint> words,
        Span<int> inputs, Span<int> labels)
    {
        int n = inputs.Length;
        ArgumentOutOfRangeException.ThrowIfLessThan(ids.Length, n, nameof(ids));
        ArgumentOutOfRangeException.ThrowIfLessThan(targets.Length, n, nameof(targets));
        ArgumentOutOfRangeException.ThrowIfLessThan(words.Length, n, nameof(words));
        ArgumentOutOfRangeException.ThrowIfLessThan(labels.Length, n, nameof(labels));
        int count = 0;
        int done = Avx512F.IsSupported ? Mlm512(mlm, ids, targets, words, inputs, labels, ref count)
            : Avx2.IsSupported ? Mlm256(mlm, ids, targets, words, inputs, labels, ref count) : 0;
        return count + MlmScalar(mlm, ids, targets, words, inputs, labels, done);
    }

    internal static int MlmScalar(MlmCorruption mlm, ReadOnlySpan<byte> ids, ReadOnlySpan<byte> targets, ReadOnlySpan<uint> words,
        Span<int> inputs, Span<int> labels, int first = 0)
    {
        MlmRule rule = mlm.Rule;
        int count = 0;
        for (int i = first; i < inputs.Length; i++)
        {
            int id = ids[i] == rule.ShownAsPad ? rule.PadId : ids[i];
            inputs[i] = id;
            labels[i] = Labels.Ignored;
            if (rule.AnyChosen != 0 && words[i] <= rule.Chosen)
            {
                if (targets[i] != 0)
                {
                    labels[i] = id;
                    count++;
                }
                if (targets[i] != 0 || rule.Parity)
                {
                    inputs[i] = mlm.Corrupt(id, words[i]);
                }
            }
        }
        return count;
    }

    internal static int Mlm512(MlmCorruption mlm, ReadOnlySpan<byte> ids, ReadOnlySpan<byte> targets, ReadOnlySpan<uint> words,
        Span<int> inputs, Span<int> labels, ref int count)
    {
        MlmRule rule = mlm.Rule;
        ref byte id = ref MemoryMarshal.GetReference(ids);
        ref byte isTarget = ref MemoryMarshal.GetReference(targets);
        ref uint word = ref MemoryMarshal.GetReference(words);
        ref int input = ref MemoryMarshal.GetReference(inputs);
        ref int label = ref MemoryMarshal.GetReference(labels);
        Vector512<uint> chosenLast = Vector512.Create(rule.Chosen);
        Vector512<uint> maskedLast = Vector512.Create(rule.Masked);
        Vector512<uint> randomLast = Vector512.Create(rule.Random);
        Vector512<uint> anyChosen = Vector512.Create(rule.AnyChosen);
        Vector512<uint> anyMasked = Vector512.Create(rule.AnyMasked);
        Vector512<uint> anyRandom = Vector512.Create(rule.AnyRandom);
        Vector512<int> always = rule.Parity ? Vector512<int>.AllBitsSet : Vector512<int>.Zero;
        Vector512<int> n = Vector512.Create(rule.ShownAsPad);
        Vector512<int> pad = Vector512.Create(rule.PadId);
        Vector512<int> mask = Vector512.Create(rule.MaskId);
        Vector512<int> ignored = Vector512.Create(Labels.Ignored);
        Vector512<int> counts = Vector512<int>.Zero;
        Vector512<int> lowerBit = Vector512.Create(rule.LowerBit);
        bool drawsBases = rule.DrawsBases;
        int i = 0;
        for (; i <= inputs.Length - 16; i += 16)
        {
            Vector512<int> ids16 = Avx512F.ConvertToVector512Int32(Vector128.LoadUnsafe(ref id, (nuint)i));
            Vector512<int> target = Avx512F.ConvertToVector512Int32(Vector128.LoadUnsafe(ref isTarget, (nuint)i).AsSByte());
            Vector512<uint> w = Vector512.LoadUnsafe(ref word, (nuint)i);
            ids16 = Vector512.ConditionalSelect(Vector512.Equals(ids16, n), pad, ids16);
            Vector512<int> chosen = (Vector512.LessThanOrEqual(w, chosenLast) & anyChosen).AsInt32();
            Vector512<int> counted = chosen & target;
            Vector512<int> changed = chosen & (target | always);
            Vector512<int> masked = changed & (Vector512.LessThanOrEqual(w, maskedLast) & anyMasked).AsInt32();
            Vector512<int> random = Vector512.AndNot(changed, masked) & (Vector512.LessThanOrEqual(w, randomLast) & anyRandom).AsInt32();
            Vector512.ConditionalSelect(counted, ids16, ignored).StoreUnsafe(ref label, (nuint)i);
            Vector512<int> shown = Vector512.ConditionalSelect(masked, mask, ids16);
            counts -= counted;
            if (drawsBases)
            {
                Vector512<int> drawn = Vector512.Create(rule.Base3);
                drawn = Vector512.ConditionalSelect((Vector512.LessThanOrEqual(w, Vector512.Create(rule.Below3)) & Vector512.Create(rule.AnyBelow3)).AsInt32(), Vector512.Create(rule.Base2), drawn);
                drawn = Vector512.ConditionalSelect((Vector512.LessThanOrEqual(w, Vector512.Create(rule.Below2)) & Vector512.Create(rule.AnyBelow2)).AsInt32(), Vector512.Create(rule.Base1), drawn);
                drawn = Vector512.ConditionalSelect((Vector512.LessThanOrEqual(w, Vector512.Create(rule.Below1)) & Vector512.Create(rule.AnyBelow1)).AsInt32(), Vector512.Create(rule.Base0), drawn);
                drawn |= ids16 & target & lowerBit;
                Vector512.ConditionalSelect(random, drawn, shown).StoreUnsafe(ref input, (nuint)i);
                continue;
            }

            shown.StoreUnsafe(ref input, (nuint)i);
            ulong lanes = random.ExtractMostSignificantBits();
            while (lanes != 0)
            {
                int at = i + System.Numerics.BitOperations.TrailingZeroCount(lanes);
                ref int one = ref Unsafe.Add(ref input, at);
                one = mlm.Corrupt(one, Unsafe.Add(ref word, at));
                lanes &= lanes - 1;
            }
        }
        count += Vector512.Sum(counts);
        return i;
    }

    internal static int Mlm256(MlmCorruption mlm, ReadOnlySpan<byte> ids, ReadOnlySpan<byte> targets, ReadOnlySpan<uint> words,
        Span<int> inputs, Span<int> labels, ref int count)
    {
        MlmRule rule = mlm.Rule;
        ref byte id = ref MemoryMarshal.GetReference(ids);
        ref byte isTarget = ref MemoryMarshal.GetReference(targets);
        ref uint word = ref MemoryMarshal.GetReference(words);
        ref int input = ref MemoryMarshal.GetReference(inputs);
        ref int label = ref MemoryMarshal.GetReference(labels);
        Vector256<uint> chosenLast = Vector256.Create(rule.Chosen);
        Vector256<uint> maskedLast = Vector256.Create(rule.Masked);
        Vector256<uint> randomLast = Vector256.Create(rule.Random);
        Vector256<uint> anyChosen = Vector256.Create(rule.AnyChosen);
        Vector256<uint> anyMasked = Vector256.Create(rule.AnyMasked);
        Vector256<uint> anyRandom = Vector256.Create(rule.AnyRandom);
        Vector256<int> always = rule.Parity ? Vector256<int>.AllBitsSet : Vector256<int>.Zero;
        Vector256<int> n = Vector256.Create(rule.ShownAsPad);
        Vector256<int> pad = Vector256.Create(rule.PadId);
        Vector256<int> mask = Vector256.Create(rule.MaskId);
        Vector256<int> ignored = Vector256.Create(Labels.Ignored);
        Vector256<int> counts = Vector256<int>.Zero;
        Vector256<int> lowerBit = Vector256.Create(rule.LowerBit);
        bool drawsBases = rule.DrawsBases;
        int i = 0;
        // Sixteen bytes are loaded and eight used, so the last group of a block is left to the scalar form.
        for (; i <= inputs.Length - 16; i += 8)
        {
            Vector256<int> ids8 = Avx2.ConvertToVector256Int32(Vector128.LoadUnsafe(ref id, (nuint)i));
            Vector256<int> target = Avx2.ConvertToVector256Int32(Vector128.LoadUnsafe(ref isTarget, (nuint)i).AsSByte());
            Vector256<uint> w = Vector256.LoadUnsafe(ref word, (nuint)i);
            ids8 = Vector256.ConditionalSelect(Vector256.Equals(ids8, n), pad, ids8);
            Vector256<int> chosen = (Vector256.LessThanOrEqual(w, chosenLast) & anyChosen).AsInt32();
            Vector256<int> counted = chosen & target;
            Vector256<int> changed = chosen & (target | always);
            Vector256<int> masked = changed & (Vector256.LessThanOrEqual(w, maskedLast) & anyMasked).AsInt32();
            Vector256<int> random = Vector256.AndNot(changed, masked) & (Vector256.LessThanOrEqual(w, randomLast) & anyRandom).AsInt32();
            Vector256.ConditionalSelect(counted, ids8, ignored).StoreUnsafe(ref label, (nuint)i);
            Vector256<int> shown = Vector256.ConditionalSelect(masked, mask, ids8);
            counts -= counted;
            if (drawsBases)
            {
                Vector256<int> drawn = Vector256.Create(rule.Base3);
                drawn = Vector256.ConditionalSelect((Vector256.LessThanOrEqual(w, Vector256.Create(rule.Below3)) & Vector256.Create(rule.AnyBelow3)).AsInt32(), Vector256.Create(rule.Base2), drawn);
                drawn = Vector256.ConditionalSelect((Vector256.LessThanOrEqual(w, Vector256.Create(rule.Below2)) & Vector256.Create(rule.AnyBelow2)).AsInt32(), Vector256.Create(rule.Base1), drawn);
                drawn = Vector256.ConditionalSelect((Vector256.LessThanOrEqual(w, Vector256.Create(rule.Below1)) & Vector256.Create(rule.AnyBelow1)).AsInt32(), Vector256.Create(rule.Base0), drawn);
                drawn |= ids8 & target & lowerBit;
                Vector256.ConditionalSelect(random, drawn, shown).StoreUnsafe(ref input, (nuint)i);
                continue;
            }

            shown.StoreUnsafe(ref input, (nuint)i);
            uint lanes = random.ExtractMostSignificantBits();
            while (lanes != 0)
            {
                int at = i + System.Numerics.BitOperations.TrailingZeroCount(lanes);
                ref int one = ref Unsafe.Add(ref input, at);
                one = mlm.Corrupt(one, Unsafe.Add(ref word, at));
                lanes &= lanes - 1;
            }
        }
        count += Vector256.Sum(counts);
        return i;
    }

    /// <summary>Next base: inputs[i] = ids[i], labels[i] = ids[i + 1] where that is a target; returns how many are.</summary>
    /// <param name="ids">[n + 1]</param>
    /// <param name="targets">[n + 1], 0xFF where the id is a target, else 0.</param>
    /// <param name="inputs">[n]</param>
    /// <param name="labels">[n]</param>
    internal static int Causal(ReadOnlySpan<byte> ids, ReadOnlySpan<byte> targets, Span<int> inputs, Span<int> labels)
    {
        int n = inputs.Length;
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(ids.Length, n, nameof(ids));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(targets.Length, n, nameof(targets));
        ArgumentOutOfRangeException.ThrowIfLessThan(labels.Length, n, nameof(labels));
        int count = 0;
        int done = Avx512F.IsSupported ? Causal512(ids, targets, inputs, labels, ref count)
            : Avx2.IsSupported ? Causal256(ids, targets, inputs, labels, ref count) : 0;
        return count + CausalScalar(ids, targets, inputs, labels, done);
    }

    internal static int CausalScalar(ReadOnlySpan<byte> ids, ReadOnlySpan<byte> targets, Span<int> inputs, Span<int> labels, int first = 0)
    {
        int count = 0;
        for (int i = first; i < inputs.Length; i++)
        {
            inputs[i] = ids[i];
            bool target = targets[i + 1] != 0;
            labels[i] = target ? ids[i + 1] : Labels.Ignored;
            count += target ? 1 : 0;
        }
        return count;
    }

    internal static int Causal512(ReadOnlySpan<byte> ids, ReadOnlySpan<byte> targets, Span<int> inputs, Span<int> labels, ref int count)
    {
        ref byte id = ref MemoryMarshal.GetReference(ids);
        ref byte isTarget = ref MemoryMarshal.GetReference(targets);
        ref int input = ref MemoryMarshal.GetReference(inputs);
        ref int label = ref MemoryMarshal.GetReference(labels);
        Vector512<int> ignored = Vector512.Create(Labels.Ignored);
        Vector512<int> counts = Vector512<int>.Zero;
        int i = 0;
        for (; i <= inputs.Length - 16; i += 16)
        {
            Vector512<int> next = Avx512F.ConvertToVector512Int32(Vector128.LoadUnsafe(ref id, (nuint)i + 1));
            Vector512<int> target = Avx512F.ConvertToVector512Int32(Vector128.LoadUnsafe(ref isTarget, (nuint)i + 1).AsSByte());
            Avx512F.ConvertToVector512Int32(Vector128.LoadUnsafe(ref id, (nuint)i)).StoreUnsafe(ref input, (nuint)i);
            Vector512.ConditionalSelect(target, next, ignored).StoreUnsafe(ref label, (nuint)i);
            counts -= target;
        }
        count += Vector512.Sum(counts);
        return i;
    }

    internal static int Causal256(ReadOnlySpan<byte> ids, ReadOnlySpan<byte> targets, Span<int> inputs, Span<int> labels, ref int count)
    {
        ref byte id = ref MemoryMarshal.GetReference(ids);
        ref byte isTarget = ref MemoryMarshal.GetReference(targets);
        ref int input = ref MemoryMarshal.GetReference(inputs);
        ref int label = ref MemoryMarshal.GetReference(labels);
        Vector256<int> ignored = Vector256.Create(Labels.Ignored);
        Vector256<int> counts = Vector256<int>.Zero;
        int i = 0;
        for (; i <= inputs.Length - 16; i += 8)
        {
            Vector256<int> next = Avx2.ConvertToVector256Int32(Vector128.LoadUnsafe(ref id, (nuint)i + 1));
            Vector256<int> target = Avx2.ConvertToVector256Int32(Vector128.LoadUnsafe(ref isTarget, (nuint)i + 1).AsSByte());
            Avx2.ConvertToVector256Int32(Vector128.LoadUnsafe(ref id, (nuint)i)).StoreUnsafe(ref input, (nuint)i);
            Vector256.ConditionalSelect(target, next, ignored).StoreUnsafe(ref label, (nuint)i);
            counts -= target;
        }
        count += Vector256.Sum(counts);
        return i;
    }
}
