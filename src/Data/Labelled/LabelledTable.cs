using System.Buffers;
using System.Globalization;
using System.Text;

namespace GenoSeq.Data;

/// <summary>
/// Rows of a CSV or TSV file: sequences that stand in it, pairs of them, or intervals of a genome; with labels in columns,
/// or one class for the whole file.
/// </summary>
internal sealed class LabelledTable
{
    private static readonly string[] s_sequence = ["sequence", "seq", "dna", "dna_sequence", "text", "seq1", "sequence1"];
    private static readonly string[] s_label = ["label", "labels", "class", "target", "y"];
    private static readonly string[] s_id = ["id", "name"];
    private static readonly string[] s_part = ["split", "part", "partition", "set", "subset"];
    private static readonly string[] s_contig = ["chromosome", "chrom", "chr", "#chrom", "region", "contig", "seqnames"];
    private static readonly string[] s_start = ["start", "chromStart"];
    private static readonly string[] s_end = ["end", "stop", "chromEnd"];
    private static readonly string[] s_strand = ["strand"];

    private readonly DelimitedReader _table;
    private readonly LabelledRows _rows;
    private readonly LabelledFile _file;
    private readonly int _first;
    private readonly int _second = -1;
    private readonly int _contig = -1;
    private readonly int _start = -1;
    private readonly int _end = -1;
    private readonly int _strand = -1;
    private readonly int _id;
    private readonly int _part;
    private readonly int[] _labels;
    private readonly GenomeSource? _genome;
    private readonly BaseTracks? _tracks;
    private readonly NameCache _names = new();

    private LabelledTable(DelimitedReader table, LabelledFile file, LabelledRows rows, LabelledSetOptions options)
    {
        _table = table;
        _rows = rows;
        _file = file;
        _first = Column(options.SequenceColumn, s_sequence);
        if (_first >= 0)
        {
            _second = options.SecondSequenceColumn is string second ? Column(second, [])
                : options.SequenceColumn is null ? PartnerOf(table.Columns[_first]) : -1;
        }
        else
        {
            _contig = Column(options.ContigColumn, s_contig);
            _start = Column(options.StartColumn, s_start);
            _end = Column(options.EndColumn, s_end);
            _strand = Column(options.StrandColumn, s_strand);
            if (_contig < 0 || _start < 0 || _end < 0)
            {
                throw Lacks("a column of sequences (such as 'sequence'), nor ones of contig, start and end");
            }
            _genome = options.Genome ?? throw new InputDataException(
                "the table names places on a genome, and no genome is given", file.Name, "the genome that the table was made for",
                "name its FASTA file");
        }
        if (options.Tracks.Count > 0)
        {
            _tracks = rows.Tracks ??= BaseTracks.Read(options.Tracks, _genome ?? throw new InputDataException("the table has sequences, and BED files label places on a genome",
                file.Name, "a table with contig, start and end"), rows.Texts);
        }
        _id = Column(options.IdColumn, s_id);
        _part = options.PartColumn is null && !file.OnlyOne ? -1 : Column(options.PartColumn, s_part);
        _labels = Labels(options);
        rows.BeginFile(file.Name, file.Class is null ? [.. _labels.Select(i => table.Columns[i])] : ["class"], _second >= 0, _genome is not null);
    }

    internal static void Read(Stream content, LabelledFile file, LabelledRows rows, LabelledSetOptions options)
    {
        using DelimitedReader table = DelimitedReader.FromStream(content, file.Name, options.Tables());
        var reader = new LabelledTable(table, file, rows, options);
        byte[]? ofClass = file.Class is null ? null : Encoding.UTF8.GetBytes(file.Class);
        while (table.Read())
        {
            if (ofClass is not null)
            {
                rows.AddLabel(ofClass, table.Line);
            }
            foreach (int column in reader._labels)
            {
                rows.AddLabel(table[column], table.Line);
            }
            reader.AddRow();
        }
    }

    private void AddRow()
    {
        LabelledPart part = _part < 0 ? _file.Part : PartOf(AsciiText.Trim(_table[_part]));
        ReadOnlySpan<byte> id = _id < 0 ? default : AsciiText.Trim(_table[_id]);
        if (_genome is null)
        {
            _rows.Add(part, AsciiText.Trim(_table[_first]), _second < 0 ? default : AsciiText.Trim(_table[_second]), id, default, _table.Line);
            return;
        }
        LabelledSource source = Place();
        int length = (int)source.Interval.Length;
        byte[] bases = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            Span<byte> sequence = bases.AsSpan(0, length);
            _genome.Read(source.Interval.Contig, source.Interval.Start, sequence);
            if (source.Strand == Strand.Reverse)
            {
                DnaComplement.ReverseComplementInPlace(sequence);
            }
            LabelBases(source, part, length);
            _rows.Add(part, sequence, default, id, source, _table.Line);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bases);
        }
    }

    private void LabelBases(LabelledSource source, LabelledPart part, int length)
    {
        if (_tracks is not null)
        {
            byte[] labels = ArrayPool<byte>.Shared.Rent(length);
            _tracks.Label(source, labels.AsSpan(0, length));
            _rows.AddBases(labels.AsSpan(0, length), part);
            ArrayPool<byte>.Shared.Return(labels);
        }
    }

    private LabelledSource Place()
    {
        string name = _names.Get(AsciiText.Trim(_table[_contig]));
        int contig = ContigAlias.IndexOf(_genome!, name);
        if (contig < 0)
        {
            throw MissingContig.Error(_genome!, name, _table.Where);
        }
        long start = Position(_start);
        long end = Position(_end);
        long length = _genome!.LengthOf(contig);
        if (start >= end || end > length)
        {
            throw new InputDataException(
                start >= end ? $"start {start} is not before end {end}" : $"end {end} is beyond contig '{name}' of {length} bases",
                _table.Where, "0-based start, end not included, inside the contig", "check that the genome is the right assembly");
        }
        if (end - start > Array.MaxLength)
        {
            throw new InputDataException($"the interval has {end - start} bases", _table.Where, $"at most {Array.MaxLength}");
        }
        Strand strand = Strand.None;
        if (_strand >= 0 && AsciiText.Trim(_table[_strand]) is { IsEmpty: false } text && !BedFields.TryParseStrand(text, out strand))
        {
            throw Error(_strand, $"{AsciiText.Shown(text)} is no strand", "'+', '-', or '.' where there is none");
        }
        return new LabelledSource(new GenomeInterval(contig, start, end), strand);
    }

    private long Position(int column)
    {
        ReadOnlySpan<byte> text = AsciiText.Trim(_table[column]);
        return AsciiText.TryParseWhole(text, out long value)
            ? value
            : throw Error(column, $"{AsciiText.Shown(text)} is no position", "a whole number, 0 or more");
    }

    private LabelledPart PartOf(ReadOnlySpan<byte> text) => LabelledParts.Parse(text)
        ?? throw Error(_part, $"{AsciiText.Shown(text)} is no part of a set", LabelledParts.Expected);

    private int[] Labels(LabelledSetOptions options)
    {
        if (_file.Class is not null || options.Kind == LabelKind.None || options.Tracks.Count > 0)
        {
            return [];
        }
        if (options.LabelColumns.Count > 0)
        {
            return [.. options.LabelColumns.Select(c => Column(c, []))];
        }
        int label = Column(null, s_label);
        if (label < 0 && _genome is null)
        {
            throw Lacks("a column of labels (such as 'label')");
        }
        if (label < 0 && options.Kind == LabelKind.PerBase)
        {
            throw Lacks("a column of labels (such as 'labels')");
        }
        return label < 0 ? [] : [label];
    }

    /// <summary>The column of this name, which must exist; or the first usual one, or -1.</summary>
    private int Column(string? wanted, string[] usual)
    {
        if (wanted is not null)
        {
            int index = _table.IndexOf(wanted);
            return index >= 0 ? index : throw Lacks($"the column '{wanted}'");
        }
        foreach (string name in usual)
        {
            int index = _table.IndexOf(name);
            if (index >= 0)
            {
                return index;
            }
        }
        return -1;
    }

    private int PartnerOf(string first) => first.EndsWith('1') ? _table.IndexOf(first[..^1] + "2") : -1;

    private InputDataException Lacks(string what) => new(
        $"the table lacks {what}", _table.Where,
        $"that among its columns, which are {string.Join(", ", _table.Columns.Take(20).Select(c => $"'{Short(c)}'"))}",
        "name the columns in the options; without a line of names say so, and name columns by number from 1");

    private static string Short(string name) => name.Length > 40 ? name[..40] + "..." : name;

    private InputDataException Error(int column, string what, string expected) => new(
        what, string.Create(CultureInfo.InvariantCulture, $"{_table.Where}, column {column + 1}"), expected);
}
