namespace GenoSeq.Data;

/// <summary>Rows of a FASTA file whose headers hold the labels, as in the Nucleotide Transformer's downstream tasks.</summary>
internal static class LabelledFasta
{
    internal static void Read(Stream content, LabelledFile file, LabelledRows rows, LabelledSetOptions options)
    {
        using var lines = new LineReader(content, file.Name, LineReader.DefaultMaxLine);
        rows.BeginFile(file.Name, options.Kind == LabelKind.None ? [] : ["label"], pairs: false, sources: false);
        using var sequence = new MemoryStream();
        byte[] id = [];
        long header = 0;
        while (lines.Read())
        {
            ReadOnlySpan<byte> line = AsciiText.Trim(lines.Line);
            if (line.IsEmpty || line[0] == ';')
            {
                continue;
            }
            if (line[0] != '>')
            {
                Append(sequence, line, lines);
                continue;
            }
            End(file, rows, sequence, id, header);
            header = lines.Number;
            id = ParseHeader(line[1..], rows, options, lines);
        }
        End(file, rows, sequence, id, header);
    }

    private static void Append(MemoryStream sequence, ReadOnlySpan<byte> line, LineReader lines)
    {
        if (sequence.Length + line.Length > LineReader.DefaultMaxLine)
        {
            throw new InputDataException($"a sequence is longer than {LineReader.DefaultMaxLine} bases", lines.Where,
                "sequences that are examples of a task, not genomes");
        }
        sequence.Write(line);
    }

    private static void End(LabelledFile file, LabelledRows rows, MemoryStream sequence, byte[] id, long header)
    {
        if (header > 0)
        {
            rows.Add(file.Part, sequence.GetBuffer().AsSpan(0, (int)sequence.Length), default, id, default, header);
        }
        sequence.SetLength(0);
    }

    /// <summary>Adds the label, and returns the header without it.</summary>
    private static byte[] ParseHeader(ReadOnlySpan<byte> text, LabelledRows rows, LabelledSetOptions options, LineReader lines)
    {
        byte separator = (byte)options.FastaSeparator;
        if (options.Kind == LabelKind.None)
        {
            return text.ToArray();
        }
        int fields = text.Count(separator) + 1;
        int wanted = options.FastaField < 0 ? fields + options.FastaField : options.FastaField;
        if (fields == 1 || wanted < 0 || wanted >= fields)
        {
            throw new InputDataException(
                fields == 1 ? $"the header has no '{options.FastaSeparator}' before a label" : $"the header has {fields} fields and no field {options.FastaField}",
                lines.Where, "a header such as '>name|0', the label in the chosen field", "give the separator and the field of the label");
        }
        int start = 0;
        for (int i = 0; i < wanted; i++)
        {
            start += text[start..].IndexOf(separator) + 1;
        }
        int length = text[start..].IndexOf(separator);
        length = length < 0 ? text.Length - start : length;
        rows.AddLabel(text.Slice(start, length), lines.Number);
        int before = Math.Max(0, start - 1);
        ReadOnlySpan<byte> after = text[(start + length)..];
        if (before == 0 && !after.IsEmpty)
        {
            after = after[1..];
        }
        return [.. text[..before], .. after];
    }
}
