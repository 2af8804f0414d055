namespace GenoSeq.Data;

/// <summary>Turns label texts into class indices or numbers, once all rows are known.</summary>
internal sealed class LabelResolver(LabelledRows rows, LabelledSetOptions options)
{
    // More classes than any classification set has; numbers written without a point would otherwise become classes.
    private const int MostGuessedClasses = 1000;

    private readonly List<string> _warnings = [];

    internal sealed record Labels(LabelKind Kind, string[] Names, int[] Classes, float[] Values, IReadOnlyList<string> Warnings)
    {
        internal BaseLabels? Bases { get; init; }
    }

    private LabelTexts Texts => rows.Texts;

    internal Labels Resolve()
    {
        if (rows.Bases is not null)
        {
            return OfBases(rows.Bases);
        }
        int columns = rows.LabelColumns?.Length ?? 0;
        if (columns == 0)
        {
            return new Labels(LabelKind.None, [], [], [], _warnings);
        }
        if (options.MultiLabelSeparator is char separator)
        {
            return Separated(separator);
        }
        if (columns > 1)
        {
            return Columns();
        }
        LabelKind kind = options.Kind ?? (options.Classes is not null ? LabelKind.Class : Guess());
        return kind == LabelKind.Number
            ? new Labels(kind, rows.LabelColumns!, [], Numbers(), _warnings)
            : Classes();
    }

    private LabelKind Guess()
    {
        bool numbers = true, fractions = false;
        for (int i = 0; i < Texts.Count; i++)
        {
            numbers &= Texts.TryNumber(i, out _);
            fractions |= !Texts.IsWhole(i);
        }
        if (numbers && fractions)
        {
            if (Texts.Count <= 20 && Enumerable.Range(0, Texts.Count).All(i => Texts.TryNumber(i, out float x) && x == MathF.Truncate(x)))
            {
                _warnings.Add($"the labels are taken as numbers, but only {Texts.Count} whole ones occur: if they are classes, say so (kind: class)");
            }
            return LabelKind.Number;
        }
        if (Texts.Count > MostGuessedClasses)
        {
            throw new InputDataException($"there are {Texts.Count} different labels", rows.Files[0],
                $"at most {MostGuessedClasses} classes, unless the kind of the labels is given", "give the kind: class or number");
        }
        return LabelKind.Class;
    }

    private Labels Classes()
    {
        string[] names = options.Classes is null
            ? LabelTexts.Sorted(Enumerable.Range(0, Texts.Count).Select(i => Texts[i]))
            : [.. options.Classes];
        Dictionary<string, int> classOf = Index(names);
        int[] ofText = new int[Texts.Count];
        for (int i = 0; i < ofText.Length; i++)
        {
            ofText[i] = Find(classOf, Texts[i], i);
        }
        var classes = new int[rows.Parts.Count];
        for (int r = 0; r < classes.Length; r++)
        {
            classes[r] = ofText[rows.Labels[r]];
        }
        CheckTrain(names, r => [classes[r]]);
        WarnOfGaps(names);
        return new Labels(LabelKind.Class, names, classes, [], _warnings);
    }

    private Labels OfBases(BaseLabelRows bases)
    {
        if (rows.Parts.Count != bases.Rows.Count)
        {
            throw new InputDataException("rows have no labels of their bases", rows.Files[0], "a label for each base of every row",
                "a column of labels, or BED files over the genome");
        }
        string[] found = [.. Enumerable.Range(0, Texts.Count).Select(i => Texts[i])];
        string[] names = options.Tracks.Count > 0 ? found : options.Classes is null ? LabelTexts.Sorted(found) : [.. options.Classes];
        Dictionary<string, int> classOf = Index(names);
        int[] map = [.. found.Select((name, i) => Find(classOf, name, i))];
        for (int i = 0; i < found.Length && rows.Parts.Contains(LabelledPart.Train); i++)
        {
            if (!bases.Has(i, LabelledPart.Train))
            {
                bool elsewhere = bases.Has(i, LabelledPart.Dev) || bases.Has(i, LabelledPart.Test);
                MissingInTrain(found[i], elsewhere ? i : -1);
            }
        }
        return new Labels(LabelKind.PerBase, names, [], [], _warnings) { Bases = new BaseLabels(bases.Rows, map) };
    }

    private Labels Separated(char separator)
    {
        var texts = new string[Texts.Count][];
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < texts.Length; i++)
        {
            texts[i] = Texts[i].Split(separator, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            foreach (string name in texts[i])
            {
                seen.TryAdd(name, i);
            }
        }
        string[] names = options.Classes is null ? LabelTexts.Sorted(seen.Keys) : [.. options.Classes];
        Dictionary<string, int> classOf = Index(names);
        var ofText = new int[texts.Length][];
        for (int i = 0; i < texts.Length; i++)
        {
            ofText[i] = Array.ConvertAll(texts[i], name => Find(classOf, name, i));
        }
        CheckSize(names.Length);
        var values = new float[rows.Parts.Count * names.Length];
        for (int r = 0; r < rows.Parts.Count; r++)
        {
            foreach (int c in ofText[rows.Labels[r]])
            {
                values[(r * names.Length) + c] = 1;
            }
        }
        CheckTrain(names, r => ofText[rows.Labels[r]]);
        return new Labels(LabelKind.MultiLabel, names, [], values, _warnings);
    }

    private Labels Columns()
    {
        float[] values = Numbers();
        bool binary = !values.AsSpan().ContainsAnyExcept(0f, 1f);
        if (options.Kind == LabelKind.MultiLabel && !binary)
        {
            int at = values.AsSpan().IndexOfAnyExcept(0f, 1f);
            throw new InputDataException($"'{Texts[rows.Labels[at]]}' is no label of a multi-label set",
                Texts.Where(rows.Labels[at], rows.Files), "0 or 1 in every label column", "if the labels are numbers, say so (kind: number)");
        }
        return new Labels(options.Kind ?? (binary ? LabelKind.MultiLabel : LabelKind.Number), rows.LabelColumns!, [], values, _warnings);
    }

    private float[] Numbers()
    {
        var ofText = new float[Texts.Count];
        for (int i = 0; i < ofText.Length; i++)
        {
            if (!Texts.TryNumber(i, out ofText[i]))
            {
                throw new InputDataException($"the label '{Texts[i]}' is no finite number", Texts.Where(i, rows.Files), "a decimal number",
                    "if the labels are classes, say so (kind: class)");
            }
        }
        var values = new float[rows.Labels.Count];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = ofText[rows.Labels[i]];
        }
        return values;
    }

    private int Find(Dictionary<string, int> classOf, string name, int text) => classOf.TryGetValue(name, out int c)
        ? c
        : throw new InputDataException($"the label '{name}' is none of the {classOf.Count} classes", Texts.Where(text, rows.Files),
            $"one of {string.Join(", ", classOf.Keys.Take(20))}", "correct the label, or add it to the classes");

    /// <summary>What training has never seen cannot be told apart in a test.</summary>
    private void CheckTrain(string[] names, Func<int, IReadOnlyList<int>> classesOfRow)
    {
        var inTrain = new bool[names.Length];
        var firstElsewhere = new int[names.Length];
        Array.Fill(firstElsewhere, -1);
        bool anyTrain = false;
        for (int r = 0; r < rows.Parts.Count; r++)
        {
            bool train = rows.Parts[r] == LabelledPart.Train;
            anyTrain |= train;
            foreach (int c in classesOfRow(r))
            {
                inTrain[c] |= train;
                firstElsewhere[c] = !train && firstElsewhere[c] < 0 ? r : firstElsewhere[c];
            }
        }
        for (int c = 0; anyTrain && c < names.Length; c++)
        {
            if (inTrain[c])
            {
                continue;
            }
            MissingInTrain(names[c], firstElsewhere[c] < 0 ? -1 : rows.Labels[firstElsewhere[c]]);
        }
    }

    // A class that training lacks; text: where another part has it, or -1.
    private void MissingInTrain(string name, int text)
    {
        if (text < 0 || options.AllowClassesMissingInTrain)
        {
            _warnings.Add($"no row of the training part has the class '{name}'");
            return;
        }
        throw new InputDataException($"class '{name}' is missing in the training part",
            Texts.Where(text, rows.Files), "every class of the other parts in training too",
            "check that the files belong together, or allow classes that are missing in training");
    }

    private void WarnOfGaps(string[] names)
    {
        if (options.Classes is null && names.Length > 0 && names.All(n => n.All(char.IsAsciiDigit))
            && (names[0] != "0" || names[^1] != (names.Length - 1).ToString(System.Globalization.CultureInfo.InvariantCulture)))
        {
            _warnings.Add($"the {names.Length} class labels run from {names[0]} to {names[^1]}: they are numbered anew from 0 in this order");
        }
    }

    private void CheckSize(int classes)
    {
        if ((long)rows.Parts.Count * classes > Math.Min(Array.MaxLength, Math.Max(1L << 22, 64 * rows.First.TotalBytes)))
        {
            throw new InputDataException($"{classes} classes for each of {rows.Parts.Count} rows", rows.Files[0],
                "fewer classes", "check the separator of the labels");
        }
    }

    private static Dictionary<string, int> Index(string[] names)
    {
        var index = new Dictionary<string, int>(names.Length, StringComparer.Ordinal);
        for (int i = 0; i < names.Length; i++)
        {
            index.Add(names[i], i);
        }
        return index;
    }
}
