using System.Buffers;
using GenoSeq.Inference.Scoring;

namespace GenoSeq.Inference.Generation;

/// <summary>A sequence that is being generated, and what of it waits until those before it are whole.</summary>
internal sealed class GenerationRow(long number, ScoreItem? prompt, int copy, long maxBases, byte[]? stop)
{
    private readonly ArrayBufferWriter<byte> _waiting = new();
    private byte[] _tail = [];

    internal long Number => number;

    internal ScoreItem? Prompt => prompt;

    internal int Copy => copy;

    /// <summary>Bases generated.</summary>
    internal long Length { get; private set; }

    internal bool IsWhole { get; private set; }

    /// <summary>Takes further bases over, up to the length or behind the stop word.</summary>
    internal void Append(ReadOnlySpan<byte> bases)
    {
        if (IsWhole)
        {
            return;
        }

        bases = bases[..(int)Math.Min(bases.Length, maxBases - Length)];
        IsWhole = Length + bases.Length == maxBases;
        if (stop is not null)
        {
            byte[] seen = [.. _tail, .. bases];
            int at = seen.AsSpan().IndexOf(stop);
            if (at >= 0)
            {
                bases = bases[..(at + stop.Length - _tail.Length)];
                IsWhole = true;
            }

            _tail = seen[Math.Max(0, seen.Length - stop.Length + 1)..];
        }

        _waiting.Write(bases);
        Length += bases.Length;
    }

    /// <summary>Hands out what waits.</summary>
    internal void Drain(IGenerationSink sink)
    {
        sink.Append(_waiting.WrittenSpan);
        _waiting.ResetWrittenCount();
    }
}
