using System.Diagnostics;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Distributed;

/// <summary>
/// Where the time of a rank's steps goes: its own work, and exchanges that were not hidden behind it. On a GPU both are taken
/// from marks in its queue, which cost the host nothing.
/// </summary>
internal sealed class StepTimes : IDisposable
{
    private readonly cuda.Event[]? _marks;
    private readonly long[] _stamps;
    private int _taken;
    private double _compute;
    private double _communication;
    private long _steps;

    /// <summary>Times steps.</summary>
    /// <param name="device">Where they are computed.</param>
    /// <param name="marks">The most marks of a step.</param>
    internal StepTimes(Device device, int marks = 8)
    {
        _marks = device.Type == DeviceType.CUDA ? [.. Enumerable.Range(0, marks).Select(_ => new cuda.Event(Math.Max(device.Index, 0)))] : null;
        _stamps = new long[marks];
    }

    /// <summary>
    /// Marks a moment. The first one of a step begins work; from then on every mark ends work and begins an exchange, or ends
    /// an exchange and begins work, in turn.
    /// </summary>
    internal void Mark()
    {
        if (_marks is null)
        {
            _stamps[_taken] = Stopwatch.GetTimestamp();
        }
        else
        {
            _marks[_taken].record();
        }

        _taken++;
    }

    /// <summary>Ends a step; waits until a GPU has passed the last mark.</summary>
    internal void EndStep()
    {
        _marks?[_taken - 1].synchronize();
        for (int i = 1; i < _taken; i++)
        {
            double ms = _marks is null
                ? Stopwatch.GetElapsedTime(_stamps[i - 1], _stamps[i]).TotalMilliseconds
                : _marks[i - 1].elapsed_time(_marks[i]);
            if (i % 2 == 1)
            {
                _compute += ms;
            }
            else
            {
                _communication += ms;
            }
        }

        _taken = 0;
        _steps++;
    }

    /// <summary>Mean milliseconds of the steps since the last call.</summary>
    internal (double Compute, double Communication) Take()
    {
        double n = Math.Max(1, _steps);
        (double, double) means = (_compute / n, _communication / n);
        (_compute, _communication, _steps) = (0, 0, 0);
        return means;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_marks is not null)
        {
            Array.ForEach(_marks, m => m.Dispose());
        }
    }
}
