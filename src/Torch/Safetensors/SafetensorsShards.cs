using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using GenoSeq.Torch.IO;

namespace GenoSeq.Torch.Safetensors;

/// <summary>Writes a checkpoint as one file, or as several with an index when it is larger than a shard may be.</summary>
public static class SafetensorsShards
{
    /// <summary>Writes <c>NAME.safetensors</c>, or <c>NAME-00001-of-00003.safetensors</c> and so on and then
    /// <c>NAME.safetensors.index.json</c>. Tensors fill the shards in the order given, so layers stay together; a tensor
    /// larger than a shard gets one of its own.</summary>
    /// <param name="folder">An existing folder without a checkpoint of this name: a mixture of two would be worse than
    /// none. To replace a checkpoint write into an <see cref="AtomicDirectory"/>.</param>
    /// <param name="tensors">The tensors.</param>
    /// <param name="maxShardBytes">Most bytes of tensors in one file, headers not counted.</param>
    /// <param name="metadata">Free-form strings for every file's header.</param>
    /// <param name="name">First part of the files' names.</param>
    /// <returns>The files written, the index last.</returns>
    /// <exception cref="SafetensorsException">A name occurs twice, or the folder holds such a checkpoint.</exception>
    public static IReadOnlyList<string> Write(
        string folder,
        IEnumerable<SafetensorsSource> tensors,
        long maxShardBytes,
        IReadOnlyDictionary<string, string>? metadata = null,
        string name = "model")
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxShardBytes);
        RefuseMixture(folder, name);
        var shards = Split(tensors, maxShardBytes, folder);
        var files = new List<string>();
        if (shards.Count == 1)
        {
            files.Add(Path.Combine(folder, name + ".safetensors"));
            SafetensorsWriter.WriteFile(files[0], shards[0], metadata);
            return files;
        }

        for (var i = 0; i < shards.Count; i++)
        {
            files.Add(Path.Combine(folder, ShardName(name, i, shards.Count)));
            SafetensorsWriter.WriteFile(files[i], shards[i], metadata);
        }

        files.Add(Path.Combine(folder, name + SafetensorsIndex.Suffix));
        AtomicFile.Write(files[^1], stream => WriteIndex(stream, shards, name));
        return files;
    }

    /// <summary>Name of a shard; counted from 1 in the name.</summary>
    private static string ShardName(string name, int index, int count) => string.Create(
        CultureInfo.InvariantCulture, $"{name}-{index + 1:D5}-of-{count:D5}.safetensors");

    private static List<List<SafetensorsSource>> Split(
        IEnumerable<SafetensorsSource> tensors, long maxShardBytes, string folder)
    {
        List<List<SafetensorsSource>> shards = [[]];
        var names = new HashSet<string>(StringComparer.Ordinal);
        long size = 0;
        foreach (var tensor in tensors)
        {
            // Each shard refuses its own duplicates; here two shards could hold one name.
            if (!names.Add(tensor.Name))
            {
                throw new SafetensorsException(folder, tensor.Name, "two tensors have this name", "each name once",
                    "to save tied weights under one of their names");
            }

            if (shards[^1].Count > 0 && tensor.ByteLength > maxShardBytes - size)
            {
                shards.Add([]);
                size = 0;
            }

            shards[^1].Add(tensor);
            size += tensor.ByteLength;
        }

        return shards;
    }

    private static void WriteIndex(Stream stream, List<List<SafetensorsSource>> shards, string name)
    {
        var map = new SortedDictionary<string, string>(StringComparer.Ordinal);
        long total = 0;
        for (var i = 0; i < shards.Count; i++)
        {
            foreach (var tensor in shards[i])
            {
                map.Add(tensor.Name, ShardName(name, i, shards.Count));
                total += tensor.ByteLength;
            }
        }

        var options = new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using var json = new Utf8JsonWriter(stream, options);
        json.WriteStartObject();
        json.WriteStartObject("metadata"u8);
        json.WriteNumber("total_size"u8, total);
        json.WriteEndObject();
        json.WriteStartObject("weight_map"u8);
        foreach (var (tensor, shard) in map) json.WriteString(tensor, shard);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void RefuseMixture(string folder, string name)
    {
        string[] patterns = [name + ".safetensors", name + SafetensorsIndex.Suffix, name + "-*-of-*.safetensors"];
        foreach (var pattern in patterns)
        {
            var existing = Directory.EnumerateFiles(folder, pattern).FirstOrDefault();
            if (existing is null) continue;
            throw new SafetensorsException(existing, null, $"the folder already holds a checkpoint '{name}'",
                "a folder without one", $"another folder, or {nameof(AtomicDirectory)}, which replaces folders whole");
        }
    }
}
