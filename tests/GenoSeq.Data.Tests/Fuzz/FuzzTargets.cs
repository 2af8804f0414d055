using System.Text;

namespace GenoSeq.Data.Tests.Fuzz;

/// <summary>Every reader of foreign bytes.</summary>
internal static class FuzzTargets
{
    internal static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("fasta", data => FastaGenome.Read(new MemoryStream(data.ToArray()), "fuzz"), [Bytes(">a b\nACGTN\nacgt\n\n>c\r\nAC*\r\n;x\n>e\n"), Bytes(">x\nA")],
            [".fa", ".fasta", ".fna", ".fas"]),
    ];

    internal static FuzzTarget Get(string name) => All.Single(t => t.Name == name);

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
