using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace GenoSeq.Data.Tests.Delimited;

public sealed class DelimitedRoundTripTests
{
    /// <summary>A table, and how to write it.</summary>
    public sealed record Table(string[][] Rows, char Delimiter, string LineEnd, bool QuoteAll, bool FinalLineEnd, int Piece);

    private static readonly Gen<string> s_field =
        Gen.Elements("A", "C", "acgt", ",", ";", "\t", "\"", "\n", "\r", "\r\n", " ", "é", "x\"y", "\"\"", "|", "#")
            .ArrayOf().Select(string.Concat);

    private static readonly Gen<Table> s_table =
        from columns in Gen.Choose(2, 5)
        from rows in s_field.ArrayOf(columns).ArrayOf().Where(r => r.Length > 0)
        from delimiter in Gen.Elements(',', '\t', ';')
        from end in Gen.Elements("\n", "\r\n", "\r")
        from quoteAll in Gen.Elements(true, false)
        from final in Gen.Elements(true, false)
        from piece in Gen.Choose(1, 50)
        select new Table(rows, delimiter, end, quoteAll, final, piece);

    [Fact]
    public void Read_WhatAWriterWrote_GivesTheFieldsAndLinesBack() =>
        Prop.ForAll(s_table.ToArbitrary(), table =>
        {
            (string text, List<long> lines) = Write(table);
            using var stream = new TrickleStream(Encoding.UTF8.GetBytes(text), table.Piece);
            using DelimitedReader reader = DelimitedReader.FromStream(
                stream, "t", new DelimitedOptions { Delimiter = table.Delimiter, HasHeader = false });
            for (int r = 0; r < table.Rows.Length; r++)
            {
                if (!reader.Read() || reader.Line != lines[r]
                    || !Enumerable.Range(0, reader.FieldCount).Select(i => Encoding.UTF8.GetString(reader[i])).SequenceEqual(table.Rows[r]))
                {
                    return false;
                }
            }
            return !reader.Read();
        }).Check(Config.QuickThrowOnFailure.WithReplay(1806, 2311).WithMaxTest(2000));

    private static (string Text, List<long> Lines) Write(Table table)
    {
        var text = new StringBuilder();
        var lines = new List<long>();
        for (int r = 0; r < table.Rows.Length; r++)
        {
            lines.Add(1 + LineEnds(text.ToString()));
            text.AppendJoin(table.Delimiter, table.Rows[r].Select(f => Quote(f, table)));
            text.Append(r < table.Rows.Length - 1 || table.FinalLineEnd ? table.LineEnd : "");
        }
        return (text.ToString(), lines);
    }

    private static string Quote(string field, Table table)
    {
        bool must = table.QuoteAll || field.Contains(table.Delimiter) || field.IndexOfAny(['"', '\r', '\n']) >= 0;
        return must ? $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : field;
    }

    private static int LineEnds(string text) =>
        text.Replace("\r\n", "\n", StringComparison.Ordinal).Count(c => c is '\n' or '\r');
}
