namespace GenoSeq.Data.Tests;

internal static class Folders
{
    internal static string Root { get; } = FindRoot();

    internal static string Data => Path.Combine(Root, "data");

    internal static string Shared => Path.GetFullPath(Path.Combine(Root, "..", "shared"));

    internal static string PeerInputs(string set) => Path.Combine(Shared, "data", "peer_inputs", set);

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "GenoSeq.sln")))
        {
            folder = folder.Parent;
        }
        return folder?.FullName ?? throw new DirectoryNotFoundException("GenoSeq.sln is not above the test's folder");
    }
}
