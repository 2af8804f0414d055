using System.Globalization;
using System.Text;

namespace GenoSeq.Data;

/// <summary>
/// Sequences with labels, in parts for training, validation and test: the data of fine-tuning. Rows keep the order of
/// their files, and sequences are exactly as they stand there.
/// </summary>
public sealed class LabelledSet : IDisposable
{
    private readonly SequenceStore _first;
    private readonly SequenceStore? _second;
    private readonly SequenceStore? _ids;
    private readonly IReadOnlyList<LabelledSource>? _sources;
    private readonly LabelledPart[] _parts;
    // Where the rows of this view stand in what it shares with the set that was read; null: in the same place.
    private readonly int[]? _stored;
    private readonly int[] _classes;
    private readonly float[] _values;
    private readonly BaseLabels? _bases;
    private readonly bool _owner;
    private readonly int[][] _rowsOfPart;
    private string? _sha256;

    internal LabelledSet(string name, LabelledRows rows, LabelResolver.Labels labels)
    {
        Name = name;
        Kind = labels.Kind;
        LabelNames = labels.Names;
        Warnings = labels.Warnings;
        _first = rows.First;
        _second = rows.Second;
        _ids = rows.Ids;
        _sources = rows.Sources;
        _parts = [.. rows.Parts];
        _classes = labels.Classes;
        _values = labels.Values;
        _bases = labels.Bases;
        _owner = true;
        _rowsOfPart = Group(_parts);
    }

    private LabelledSet(LabelledSet other, LabelledPart[] parts, int[]? stored)
    {
        _stored = stored;
        Name = other.Name;
        Kind = other.Kind;
        LabelNames = other.LabelNames;
        Warnings = other.Warnings;
        _first = other._first;
        _second = other._second;
        _ids = other._ids;
        _sources = other._sources;
        _parts = parts;
        _classes = other._classes;
        _values = other._values;
        _bases = other._bases;
        _rowsOfPart = Group(parts);
    }

    /// <summary>Name for reports.</summary>
    public string Name { get; }

    /// <summary>What the labels are.</summary>
    public LabelKind Kind { get; }

    /// <summary>
    /// The label map: the class of index i is called <c>LabelNames[i]</c>; for numbers, the names of the targets.
    /// </summary>
    public IReadOnlyList<string> LabelNames { get; }

    /// <summary>Number of rows in all parts.</summary>
    public int Count => _parts.Length;

    /// <summary>True if a row is a pair of sequences.</summary>
    public bool HasPairs => _second is not null;

    /// <summary>True if the rows have places on a genome.</summary>
    public bool HasSources => _sources is not null;

    /// <summary>What is allowed but may be a mistake, in sentences.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>
    /// SHA-256, lower-case hexadecimal, over kind, label names and every row in order (part, label, sequences). File names,
    /// compression, identifiers and table layout do not matter to it.
    /// </summary>
    public string Sha256 => _sha256 ??= LabelledDigest.Compute(this);

    /// <summary>The sequence of a row: ASCII letters as in the file; the first one of a pair.</summary>
    public ReadOnlySpan<byte> GetSequence(int row) => _first.Get(Stored(row));

    /// <summary>The second sequence of a row's pair; empty if rows are no pairs.</summary>
    public ReadOnlySpan<byte> GetSecondSequence(int row) => _second is null ? default : _second.Get(Stored(row));

    /// <summary>Length of a row's (first) sequence in bases.</summary>
    public int GetLength(int row) => _first.LengthOf(Stored(row));

    /// <summary>Class index of a row. Kind <see cref="LabelKind.Class"/> only.</summary>
    public int GetClass(int row) => Kind == LabelKind.Class
        ? _classes[Stored(row)]
        : throw new InvalidOperationException($"labels of the kind {Kind} have no class index");

    /// <summary>
    /// The numbers of a row, one for each of <see cref="LabelNames"/>: targets, or 0 and 1 of a multi-label row.
    /// </summary>
    public ReadOnlySpan<float> GetValues(int row)
    {
        if (Kind is LabelKind.Class or LabelKind.None or LabelKind.PerBase)
        {
            throw new InvalidOperationException($"labels of the kind {Kind} have no numbers");
        }
        return _values.AsSpan(Stored(row) * LabelNames.Count, LabelNames.Count);
    }

    /// <summary>Class indices of a stretch of a row's bases, -1 where a base has no label. Kind <see cref="LabelKind.PerBase"/> only.</summary>
    /// <param name="row">The row.</param>
    /// <param name="start">First base.</param>
    /// <param name="classes">Is filled; its length is that of the stretch.</param>
    public void CopyBaseClasses(int row, int start, Span<int> classes)
    {
        if (_bases is null)
        {
            throw new InvalidOperationException($"labels of the kind {Kind} have no classes of bases");
        }
        _bases.Copy(Stored(row), start, classes);
    }

    /// <summary>Whether the labels of two rows are the same; labels of bases also in opposite reading directions.</summary>
    internal bool HaveSameLabels(int row, int other) => Kind switch
    {
        LabelKind.None => true,
        LabelKind.Class => GetClass(row) == GetClass(other),
        LabelKind.PerBase => _bases!.Same(Stored(row), Stored(other)),
        _ => GetValues(row).SequenceEqual(GetValues(other)),
    };

    /// <summary>Bases of each class in a part, in the order of <see cref="LabelNames"/>; empty unless bases have labels.</summary>
    public IReadOnlyList<long> BaseCounts(LabelledPart part)
    {
        var counts = new long[_bases is null ? 0 : LabelNames.Count];
        foreach (int row in _bases is null ? [] : _rowsOfPart[(int)part])
        {
            _bases!.Count(Stored(row), counts);
        }
        return counts;
    }

    /// <summary>Part of a row.</summary>
    public LabelledPart GetPart(int row) => _parts[row];

    /// <summary>Identifier of a row as in its file; else its part and its number there, from 0.</summary>
    public string GetId(int row)
    {
        if (_ids is not null && _ids.LengthOf(Stored(row)) > 0)
        {
            return Encoding.UTF8.GetString(_ids.Get(Stored(row)));
        }
        int number = Array.BinarySearch(_rowsOfPart[(int)_parts[row]], row);
        return string.Create(CultureInfo.InvariantCulture, $"{_parts[row].ToString().ToLowerInvariant()}:{number}");
    }

    /// <summary>Place of a row on the genome, or null if the set has sequences of its own.</summary>
    public LabelledSource? GetSource(int row) => _sources?[Stored(row)];

    /// <summary>The rows of a part, ascending.</summary>
    public IReadOnlyList<int> Rows(LabelledPart part) => _rowsOfPart[(int)part];

    /// <summary>Rows of each class in a part, in the order of <see cref="LabelNames"/>; a multi-label row counts for each of its classes.</summary>
    public IReadOnlyList<int> ClassCounts(LabelledPart part)
    {
        var counts = new int[Kind is LabelKind.Class or LabelKind.MultiLabel ? LabelNames.Count : 0];
        foreach (int row in _rowsOfPart[(int)part])
        {
            if (Kind == LabelKind.Class)
            {
                counts[_classes[Stored(row)]]++;
            }
            for (int c = 0; Kind == LabelKind.MultiLabel && c < counts.Length; c++)
            {
                counts[c] += _values[(Stored(row) * counts.Length) + c] != 0 ? 1 : 0;
            }
        }
        return counts;
    }

    /// <summary>
    /// The same set with part of its training rows moved to validation: of each class the same share, rounded, at least
    /// one row but never all; of numbers and multi-label rows as <see cref="Split"/> divides. A pure function of the set, the
    /// share and the seed.
    /// </summary>
    /// <param name="fraction">Share of the training rows to move, above 0 and below 1.</param>
    /// <param name="seed">Chooses the rows.</param>
    /// <returns>A set over the same rows in the same order; dispose of this set only after it is no longer used.</returns>
    /// <exception cref="InvalidOperationException">The set has a validation part already.</exception>
    public LabelledSet HoldOut(double fraction, long seed) =>
        Rows(LabelledPart.Dev).Count == 0
            ? new LabelledSet(this, LabelledHoldOut.Move(this, fraction, seed), _stored)
            : throw new InvalidOperationException("the set has a validation part already");

    /// <summary>
    /// The same set, all of it training rows so far, divided into three parts: stratified by class, by ten quantile bins of
    /// the first number, or by iterative stratification of several labels (see <see cref="StratifiedSplits"/>).
    /// </summary>
    /// <param name="dev">Share of the rows that validate, above 0.</param>
    /// <param name="test">Share of the rows that test, above 0; with <paramref name="dev"/> below 1.</param>
    /// <param name="seed">Chooses the rows.</param>
    /// <returns>A set over the same rows in the same order; dispose of this set only after it is no longer used.</returns>
    /// <exception cref="InvalidOperationException">The set has a validation or test part already.</exception>
    public LabelledSet Split(double dev, double test, long seed)
    {
        if (!(dev > 0 && test > 0 && dev + test < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(dev), dev, $"two shares above 0 that leave something to train on; the other is {test}");
        }
        if (Rows(LabelledPart.Train).Count < Count)
        {
            throw new InvalidOperationException("the set is divided into parts already");
        }
        LabelledPart[] names = [LabelledPart.Train, LabelledPart.Dev, LabelledPart.Test];
        return new LabelledSet(this, LabelledHoldOut.Divide(this, [1 - dev - test, dev, test], names, seed), _stored);
    }

    /// <summary>
    /// The same set, its training and validation rows divided anew as cross-validation does: into stratified folds (as <see cref="Split"/> divides), of
    /// which one validates and the others train. The test part stays what it is.
    /// </summary>
    /// <param name="count">Number of folds, at least 2.</param>
    /// <param name="index">The fold that validates, from 0. The only row of a class is in none: it always trains.</param>
    /// <param name="seed">Chooses the rows, the same for all folds.</param>
    /// <returns>A set over the same rows in the same order; dispose of this set only after it is no longer used.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer than two folds, or no such one.</exception>
    public LabelledSet Fold(int count, int index, long seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 2);
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, count);
        return new LabelledSet(this, LabelledHoldOut.Fold(this, count, index, seed), _stored);
    }

    /// <summary>The same set without the training rows whose sequence, on either strand, validation or test has too.</summary>
    /// <param name="leaks">What <see cref="LabelledLeaks.Find(LabelledSet)"/> found in this set.</param>
    /// <returns>A set over the other rows in the same order; dispose of this set only after it is no longer used.</returns>
    /// <exception cref="InputDataException">No training row would be left.</exception>
    public LabelledSet DropLeaks(LabelledLeaks leaks)
    {
        ArgumentNullException.ThrowIfNull(leaks);
        if (leaks.TrainingRows.Count > 0 && leaks.TrainingRows.Count == Rows(LabelledPart.Train).Count)
        {
            throw new InputDataException("every training row has a sequence of the validation or test part", Name,
                "training rows that are not tested on", "check that the files of the parts are different ones");
        }
        var dropped = new HashSet<int>(leaks.TrainingRows);
        int[] kept = [.. Enumerable.Range(0, Count).Where(r => !dropped.Contains(r))];
        return new LabelledSet(this, Array.ConvertAll(kept, r => _parts[r]), Array.ConvertAll(kept, Stored));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_owner)
        {
            _first.Dispose();
            _second?.Dispose();
            _ids?.Dispose();
            _bases?.Dispose();
        }
    }

    private int Stored(int row) => _stored is null ? row : _stored[row];

    private static int[][] Group(LabelledPart[] parts)
    {
        var counts = new int[3];
        foreach (LabelledPart part in parts)
        {
            counts[(int)part]++;
        }
        int[][] rows = [new int[counts[0]], new int[counts[1]], new int[counts[2]]];
        Array.Clear(counts);
        for (int r = 0; r < parts.Length; r++)
        {
            int part = (int)parts[r];
            rows[part][counts[part]++] = r;
        }
        return rows;
    }
}
