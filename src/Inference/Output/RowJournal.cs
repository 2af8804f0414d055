using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using GenoSeq.Data;

namespace GenoSeq.Inference.Output;

/// <summary>
/// Rows on their way to an output: a folder beside it with the numbers, their places, and a list of commits that says how much of
/// both belongs to whole groups of sequences. A killed run goes on from the last commit, and what it makes is the same file, since
/// groups are cut by the input alone.
/// </summary>
internal sealed class RowJournal : IDisposable
{
    private const int CommitBytes = 32;
    private const string Suffix = ".embedding";
    private const string CommitsFile = "commits";
    private const string ValuesFile = "values.f32";

    private readonly FileStream _values;
    private readonly FileStream _places;
    private readonly FileStream _commits;
    private readonly BinaryWriter _placeWriter;
    private readonly int _width;
    private bool _disposed;

    private RowJournal(string folder, int width)
    {
        (Folder, _width) = (folder, width);
        _commits = Open(CommitsFile);
        _values = Open(ValuesFile);
        _places = Open("places");
        _placeWriter = new BinaryWriter(_places, Encoding.UTF8, leaveOpen: true);
    }

    /// <summary>The folder.</summary>
    internal string Folder { get; }

    /// <summary>Sequences that are done.</summary>
    internal long Items { get; private set; }

    /// <summary>Rows that are done.</summary>
    internal long Rows { get; private set; }

    /// <summary>The journal's folder for an output.</summary>
    internal static string FolderOf(string output) => Path.GetFullPath(output).TrimEnd('/') + Suffix;

    /// <summary>Begins or continues a journal.</summary>
    /// <param name="output">The output that it is for.</param>
    /// <param name="plan">What is computed, in words; a journal of another plan is not continued.</param>
    /// <param name="width">Numbers of a row.</param>
    /// <param name="resume">Continue what is there.</param>
    /// <exception cref="OutputException">The journal is of another plan, in use, or cannot be made.</exception>
    internal static RowJournal Open(string output, string plan, int width, bool resume)
    {
        string folder = FolderOf(output);
        string planFile = Path.Combine(folder, "plan.txt");
        try
        {
            bool there = File.Exists(planFile);
            if (there && resume && File.ReadAllText(planFile) is var before && before != plan)
            {
                throw new OutputException(OutputProblem.Refused, $"the interrupted export is another one: {Difference(before, plan)}", folder, "the same command", "without --resume, which begins anew");
            }

            Directory.CreateDirectory(folder);
            var journal = new RowJournal(folder, width);
            try
            {
                journal.Restore(there && resume);
                if (!there || !resume)
                {
                    File.WriteAllText(planFile, plan);
                }

                return journal;
            }
            catch
            {
                journal.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is UnauthorizedAccessException or (IOException and not OutputException))
        {
            throw new OutputException(OutputProblem.Failed, $"the rows cannot be kept on their way: {e.Message}", folder, "a folder to write to, that no other export uses", "another output", e);
        }
    }

    /// <summary>Adds rows of one sequence.</summary>
    internal void Add(float[] values, IEnumerable<RowPlace> places)
    {
        Try(() =>
        {
            _values.Write(MemoryMarshal.AsBytes(values.AsSpan()));
            foreach (RowPlace p in places)
            {
                _placeWriter.Write(p.Id);
                _placeWriter.Write(p.Contig);
                _placeWriter.Write(p.Start);
                _placeWriter.Write(p.End);
                _placeWriter.Write((byte)p.Strand);
            }
        });
        Rows += values.Length / _width;
    }

    /// <summary>Makes what was added so far count.</summary>
    internal void Commit(long items)
    {
        Items = items;
        Try(() =>
        {
            _values.Flush();
            _placeWriter.Flush();
            _places.Flush();
            Span<byte> record = stackalloc byte[CommitBytes];
            Pack(record, items, Rows, _places.Length);
            _commits.Write(record);
            _commits.Flush();
        });
    }

    /// <summary>The rows as a table, when all are there.</summary>
    internal EmbeddingTable Table(IReadOnlyDictionary<string, string> metadata) => new JournalTable(this, metadata);

    /// <summary>Removes the folder, when the output is there.</summary>
    internal void Remove()
    {
        Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        _placeWriter.Dispose();
        _values.Dispose();
        _places.Dispose();
        _commits.Dispose();
    }

    private FileStream Open(string name) => new(Path.Combine(Folder, name), new FileStreamOptions
    {
        Mode = FileMode.OpenOrCreate,
        Access = FileAccess.ReadWrite,
        Share = name == CommitsFile ? FileShare.None : FileShare.Read,
        BufferSize = 1 << 16,
    });

    // The last commit whose rows are all there.
    private void Restore(bool resume)
    {
        long places = 0;
        long commits = 0;
        Span<byte> record = stackalloc byte[CommitBytes];
        Span<byte> again = stackalloc byte[CommitBytes];
        while (resume && _commits.ReadAtLeast(record, CommitBytes, throwOnEndOfStream: false) == CommitBytes)
        {
            long items = BinaryPrimitives.ReadInt64LittleEndian(record);
            long rows = BinaryPrimitives.ReadInt64LittleEndian(record[8..]);
            long end = BinaryPrimitives.ReadInt64LittleEndian(record[16..]);
            Pack(again, items, rows, end);
            if (!again.SequenceEqual(record) || rows * _width * sizeof(float) > _values.Length || end > _places.Length)
            {
                break;
            }

            (Items, Rows, places) = (items, rows, end);
            commits += CommitBytes;
        }

        Cut(_commits, commits);
        Cut(_values, Rows * _width * sizeof(float));
        Cut(_places, places);
    }

    private static void Cut(FileStream file, long length)
    {
        file.SetLength(length);
        file.Position = length;
    }

    private static void Pack(Span<byte> record, long items, long rows, long places)
    {
        BinaryPrimitives.WriteInt64LittleEndian(record, items);
        BinaryPrimitives.WriteInt64LittleEndian(record[8..], rows);
        BinaryPrimitives.WriteInt64LittleEndian(record[16..], places);
        BinaryPrimitives.WriteInt64LittleEndian(record[24..], unchecked((items * 31) + (rows * 17) + places + 0x47656E6F));
    }

    private void Try(Action write)
    {
        try
        {
            write();
        }
        catch (IOException e)
        {
            throw new OutputException(OutputProblem.DiskFull, $"rows cannot be written: {e.Message}", Folder, "room on the disk", "--resume when there is room", e);
        }
    }

    private static string Difference(string before, string now)
    {
        string[] then = before.Split('\n');
        return string.Join("; ", now.Split('\n').Where(l => !then.Contains(l)).Take(3).Select(l => $"now {l}").DefaultIfEmpty("it had other settings"));
    }

    private sealed record JournalTable(RowJournal Journal, IReadOnlyDictionary<string, string> Metadata)
        : EmbeddingTable(Journal.Rows, Journal._width, Metadata)
    {
        public override IEnumerable<RowPlace> Places()
        {
            Journal._places.Position = 0;
            using var reader = new BinaryReader(Journal._places, Encoding.UTF8, leaveOpen: true);
            for (long r = 0; r < Rows; r++)
            {
                yield return new RowPlace(reader.ReadString(), reader.ReadString(), reader.ReadInt64(), reader.ReadInt64(), (char)reader.ReadByte());
            }
        }

        public override Stream Values() => new FileStream(Path.Combine(Journal.Folder, ValuesFile), FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1 << 20);
    }
}
