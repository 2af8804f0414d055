using System.Diagnostics.CodeAnalysis;

namespace GenoSeq.Torch.Safetensors;

/// <summary>A checkpoint in one safetensors file or in several, seen as one set of tensors. All files stay mapped, and
/// pointers and spans valid, until <see cref="Dispose"/>.</summary>
public sealed unsafe class SafetensorsCheckpoint : IDisposable
{
    private const string SingleName = "model.safetensors";
    private readonly List<SafetensorsFile> files = [];
    private readonly Dictionary<string, SafetensorsFile> owners = new(StringComparer.Ordinal);

    private SafetensorsCheckpoint(string path) => Path = path;

    /// <summary>The file or index that the checkpoint was opened from.</summary>
    public string Path { get; }

    /// <summary>All tensors: file by file, in the order of their data. Offsets count within each tensor's file.</summary>
    public IReadOnlyList<SafetensorsEntry> Entries { get; private set; } = [];

    /// <summary>The files, in the order of their names.</summary>
    public IReadOnlyList<SafetensorsFile> Files => files;

    /// <summary>Free-form strings of the files; where two files differ, the first one's.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; private set; } = new Dictionary<string, string>();

    /// <summary>The tensor with a name.</summary>
    /// <exception cref="SafetensorsException">There is no such tensor.</exception>
    public SafetensorsEntry this[string name] => FileOf(name)[name];

    /// <summary>Opens a checkpoint.</summary>
    /// <param name="path">A <c>.safetensors</c> file; an index (<c>.json</c>); or a folder, in which are looked for, in this
    /// order, <c>model.safetensors</c>, <c>model.safetensors.index.json</c>, the only index, and the only
    /// <c>.safetensors</c> file.</param>
    /// <exception cref="SafetensorsException">A file breaks the format, a shard or a tensor is missing, or a tensor is in two
    /// shards. Tensors of a shard that the index does not list are left out.</exception>
    /// <exception cref="FileNotFoundException">There is nothing at the path.</exception>
    public static SafetensorsCheckpoint Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var start = Directory.Exists(path) ? Find(path) : path;
        var checkpoint = new SafetensorsCheckpoint(start);
        try
        {
            if (start.EndsWith(".json", StringComparison.OrdinalIgnoreCase)) checkpoint.OpenShards();
            else checkpoint.OpenSingle();
            checkpoint.Gather();
            return checkpoint;
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>Whether the checkpoint has a tensor with this name.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out SafetensorsEntry? entry)
    {
        entry = null;
        return owners.TryGetValue(name, out var file) && file.TryGet(name, out entry);
    }

    /// <summary>The file that holds a tensor.</summary>
    /// <exception cref="SafetensorsException">There is no such tensor.</exception>
    public SafetensorsFile FileOf(string name) => owners.TryGetValue(name, out var file) ? file
        : throw new SafetensorsException(Path, name, $"the checkpoint has no such tensor among its {owners.Count}",
            NearestName.Describe(name, owners.Keys), "another name, or the checkpoint that fits the model");

    /// <inheritdoc cref="SafetensorsFile.Pointer(string)"/>
    public byte* Pointer(string name) => FileOf(name).Pointer(name);

    /// <inheritdoc cref="SafetensorsFile.Bytes"/>
    public ReadOnlySpan<byte> Bytes(string name) => FileOf(name).Bytes(name);

    /// <inheritdoc cref="SafetensorsFile.IsAligned"/>
    public bool IsAligned(string name) => FileOf(name).IsAligned(name);

    /// <inheritdoc cref="SafetensorsFile.CopyTo"/>
    public void CopyTo(string name, byte* destination, long destinationLength) =>
        FileOf(name).CopyTo(name, destination, destinationLength);

    /// <inheritdoc cref="SafetensorsFile.ToArray"/>
    public T[] ToArray<T>(string name)
        where T : unmanaged => FileOf(name).ToArray<T>(name);

    /// <summary>Unmaps all files.</summary>
    public void Dispose()
    {
        foreach (var file in files) file.Dispose();
    }

    private static string Find(string folder)
    {
        string[] preferred = [SingleName, "model" + SafetensorsIndex.Suffix];
        foreach (var name in preferred)
        {
            var path = System.IO.Path.Combine(folder, name);
            if (File.Exists(path)) return path;
        }

        string[] patterns = ["*" + SafetensorsIndex.Suffix, "*.safetensors"];
        foreach (var pattern in patterns)
        {
            var found = Directory.GetFiles(folder, pattern);
            if (found.Length == 1) return found[0];
            if (found.Length == 0) continue;
            throw new SafetensorsException(folder, null, $"the folder holds {found.Length} files {pattern}",
                $"{SingleName} or one index", "to name the file or the index itself");
        }

        throw new SafetensorsException(folder, null, "the folder holds no checkpoint",
            $"{SingleName} or model{SafetensorsIndex.Suffix}", "another folder, or to convert the weights to safetensors");
    }

    private void OpenSingle()
    {
        var file = SafetensorsFile.Open(Path);
        files.Add(file);
        foreach (var entry in file.Entries) owners.Add(entry.Name, file);
    }

    private void OpenShards()
    {
        var index = SafetensorsIndex.Read(Path);
        var folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))!;
        var holders = new Dictionary<string, SafetensorsFile>(StringComparer.Ordinal);
        var byName = new Dictionary<string, SafetensorsFile>(StringComparer.Ordinal);
        foreach (var shard in index.Shards)
        {
            var path = System.IO.Path.Combine(folder, shard);
            if (!File.Exists(path))
            {
                throw new SafetensorsException(Path, null, $"the shard '{SafetensorsException.Printable(shard)}' is missing",
                    $"all {index.Shards.Count} shards beside the index", "to download the rest of the checkpoint");
            }

            var file = SafetensorsFile.Open(path);
            files.Add(file);
            byName.Add(shard, file);
            foreach (var entry in file.Entries)
            {
                if (holders.TryAdd(entry.Name, file)) continue;
                throw new SafetensorsException(path, entry.Name, $"it is in {holders[entry.Name].Path} too",
                    "each tensor in one shard", "to save the checkpoint again");
            }
        }

        foreach (var (tensor, shard) in index.WeightMap)
        {
            var file = byName[shard];
            if (!file.TryGet(tensor, out _))
            {
                throw new SafetensorsException(Path, tensor, $"the shard '{SafetensorsException.Printable(shard)}' lacks it",
                    "every tensor in the shard that the index names", "to download or save the checkpoint again");
            }

            owners.Add(tensor, file);
        }
    }

    private void Gather()
    {
        var entries = new List<SafetensorsEntry>(owners.Count);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var file in files)
        {
            foreach (var entry in file.Entries)
            {
                if (owners.TryGetValue(entry.Name, out var owner) && ReferenceEquals(owner, file)) entries.Add(entry);
            }

            foreach (var (key, value) in file.Metadata) metadata.TryAdd(key, value);
        }

        Entries = entries;
        Metadata = metadata;
    }
}
