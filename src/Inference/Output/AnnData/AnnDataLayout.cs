using System.Globalization;

namespace GenoSeq.Inference.Output.AnnData;

/// <summary>
/// An AnnData object (its documentation, "On-disk format", version 0.1.0): X the embeddings, obs a row's place, var the numbers'
/// names, uns what was computed.
/// </summary>
internal static class AnnDataLayout
{
    /// <summary>Writes a table.</summary>
    internal static void Write(AnnDataStore store, EmbeddingTable table)
    {
        long rows = table.Rows;
        bool placed = table.Metadata.GetValueOrDefault("bin", "0") != "0" || table.Metadata.GetValueOrDefault("window", "0") != "0";
        store.Group("", Encoding("anndata", "0.1.0"));
        using (Stream values = table.Values())
        {
            store.Matrix("X", rows, table.Width, values, Encoding("array", "0.2.0"));
        }

        string[] columns = ["id", "contig", "start", "end", "strand"];
        store.Group("obs", [.. Encoding("dataframe", "0.2.0"), new("_index", "_index"), new("column-order", null, columns)]);
        Texts(store, "obs/_index", rows, table.Places().Select(p => placed
            ? string.Create(CultureInfo.InvariantCulture, $"{p.Id}:{p.Start}-{p.End}") : p.Id));
        Texts(store, "obs/id", rows, table.Places().Select(p => p.Id));
        Texts(store, "obs/contig", rows, table.Places().Select(p => p.Contig));
        store.Integers("obs/start", rows, table.Places().Select(p => p.Start), Encoding("array", "0.2.0"));
        store.Integers("obs/end", rows, table.Places().Select(p => p.End), Encoding("array", "0.2.0"));
        Texts(store, "obs/strand", rows, table.Places().Select(p => p.Strand.ToString()));
        store.Group("var", [.. Encoding("dataframe", "0.2.0"), new("_index", "_index"), new("column-order", null, [])]);
        Texts(store, "var/_index", table.Width, Enumerable.Range(0, table.Width).Select(c => string.Create(CultureInfo.InvariantCulture, $"e{c}")));
        foreach (string empty in (string[])["layers", "obsm", "obsp", "varm", "varp"])
        {
            store.Group(empty, Encoding("dict", "0.1.0"));
        }

        store.Group("uns", Encoding("dict", "0.1.0"));
        store.Group("uns/genoseq", Encoding("dict", "0.1.0"));
        foreach ((string key, string value) in table.Metadata.OrderBy(p => p.Key, StringComparer.Ordinal))
        {
            store.Text($"uns/genoseq/{key}", value, Encoding("string", "0.2.0"));
        }
    }

    private static void Texts(AnnDataStore store, string path, long count, IEnumerable<string> values) =>
        store.Texts(path, count, values, Encoding("string-array", "0.2.0"));

    private static AnnDataStore.Attribute[] Encoding(string type, string version) => [new("encoding-type", type), new("encoding-version", version)];
}
