using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using System.Text;
using GenoSeq.Data;

namespace GenoSeq.Inference.Scoring;

/// <summary>
/// Records of a reader that pushes, handed out as they are asked for: the reader runs in a thread of its own, at most two parcels of
/// records ahead.
/// </summary>
internal sealed class RecordPipe : IFastaVisitor, IFastqVisitor, IDisposable
{
    private const int ParcelBases = 1 << 20;
    private const int ParcelRecords = 4096;

    private readonly BlockingCollection<List<ScoreItem>> _parcels = new(1);
    private readonly CancellationToken _stop;
    private readonly BaseBuffer _bases = new();
    private List<ScoreItem> _parcel = [];
    private long _size;
    private string _name = "";

    private RecordPipe(CancellationToken stop) => _stop = stop;

    /// <summary>The records of FASTA or FASTQ.</summary>
    /// <param name="read">Reads all of it into a visitor.</param>
    internal static IEnumerable<ScoreItem> Read(Action<RecordPipe> read)
    {
        using var stop = new CancellationTokenSource();
        using var pipe = new RecordPipe(stop.Token);
        Task reading = Task.Factory.StartNew(() => pipe.Fill(read), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            foreach (List<ScoreItem> parcel in pipe._parcels.GetConsumingEnumerable())
            {
                foreach (ScoreItem item in parcel)
                {
                    yield return item;
                }
            }
        }
        finally
        {
            stop.Cancel();
            try
            {
                reading.Wait();
            }
            catch (AggregateException e) when (e.InnerException is not OperationCanceledException)
            {
                ExceptionDispatchInfo.Throw(e.InnerException!);
            }
            catch (AggregateException)
            {
                // Nobody wanted the rest.
            }
        }
    }

    public void Dispose() => _parcels.Dispose();

    public void BeginRecord(string name, long line) => Begin(name);

    public void BeginRecord(ReadOnlySpan<byte> name, long line) => Begin(Encoding.UTF8.GetString(name));

    public void Append(ReadOnlySpan<byte> bases) => _bases.Write(bases);

    public void AppendBases(ReadOnlySpan<byte> bases) => _bases.Write(bases);

    public void AppendQualities(ReadOnlySpan<byte> qualities)
    {
    }

    public void EndRecord()
    {
        _parcel.Add(new ScoreItem(_name, _bases.Take()));
        _size += _parcel[^1].Length;
        if (_size >= ParcelBases || _parcel.Count == ParcelRecords)
        {
            Send();
        }
    }

    private void Begin(string name) => _name = name.Length == 0 ? "unnamed" : name;

    private void Fill(Action<RecordPipe> read)
    {
        try
        {
            read(this);
            Send();
        }
        finally
        {
            _parcels.CompleteAdding();
        }
    }

    private void Send()
    {
        _parcels.Add(_parcel, _stop);
        _parcel = [];
        _size = 0;
    }

    // A buffer that is kept from record to record, and copied exactly.
    private sealed class BaseBuffer
    {
        private byte[] _buffer = new byte[1 << 12];
        private int _length;

        internal void Write(ReadOnlySpan<byte> bases)
        {
            if (bases.Length > _buffer.Length - _length)
            {
                long wanted = Math.Max((long)_length + bases.Length, 2L * _buffer.Length);
                if ((long)_length + bases.Length > Array.MaxLength)
                {
                    throw new InputDataException($"a sequence is longer than {Array.MaxLength} bases", null, "sequences that fit one array", "give the file as --genome");
                }

                Array.Resize(ref _buffer, (int)Math.Min(wanted, Array.MaxLength));
            }

            bases.CopyTo(_buffer.AsSpan(_length));
            _length += bases.Length;
        }

        internal byte[] Take()
        {
            byte[] result = _buffer.AsSpan(0, _length).ToArray();
            _length = 0;
            return result;
        }
    }
}
