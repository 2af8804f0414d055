namespace GenoSeq.Data.Tests;

/// <summary>The sequence files of ../shared, decompressed into a folder where indexes can be written.</summary>
internal static class PeerFiles
{
    /// <summary>Every file whose first letter is that of a FASTA or FASTQ header, with a name for messages.</summary>
    internal static IEnumerable<(string Name, string Path)> Copy(TempFolder folder)
    {
        string root = Repository.SharedPath("data");
        int number = 0;
        foreach (string file in new[] { "peer_inputs", "genomes", "variants" }
            .SelectMany(d => Directory.EnumerateFiles(Path.Combine(root, d), "*", SearchOption.AllDirectories)).Order(StringComparer.Ordinal))
        {
            byte[] content;
            try
            {
                using InputFile input = InputFile.Open(file);
                using var memory = new MemoryStream();
                input.Content.CopyTo(memory);
                content = memory.ToArray();
            }
            catch (InputDataException)
            {
                continue;
            }
            if (content.AsSpan().TrimStart("\r\n "u8) is { IsEmpty: false } start && start[0] is (byte)'>' or (byte)'@' or (byte)';')
            {
                yield return (Path.GetRelativePath(root, file), folder.Write($"{number++}.seq", content));
            }
        }
    }
}
