namespace GenoSeq.Models.Mixers;

/// <summary>Heads of a recurrent mixer and the shape of each one's state.</summary>
/// <param name="Count">Heads.</param>
/// <param name="Key">Rows of a state: width of keys and queries.</param>
/// <param name="Value">Columns of a state: width of values.</param>
public readonly record struct HeadShape(int Count, int Key, int Value)
{
    /// <summary>Keys of all heads.</summary>
    public int Keys => Count * Key;

    /// <summary>Values of all heads.</summary>
    public int Values => Count * Value;

    /// <summary>The settings' heads, or the mixer's own where they are 0.</summary>
    /// <param name="config">The model's settings.</param>
    /// <param name="heads">Heads by default; 0: one for 64 channels.</param>
    /// <param name="keys">Keys of all heads / d_model by default.</param>
    /// <param name="values">Values of all heads / d_model by default.</param>
    /// <param name="even">Keys must be of even width.</param>
    public static HeadShape Of(ModelConfig config, int heads, double keys, double values, bool even = false)
    {
        ArgumentNullException.ThrowIfNull(config);
        RecurrentConfig r = config.Recurrent;
        int count = r.NHead > 0 ? r.NHead : heads > 0 ? heads : Math.Max(1, config.DModel / 64);
        int key = r.DKey > 0 ? r.DKey : Share(keys);
        int value = r.DValue > 0 ? r.DValue : Share(r.Expand > 0 ? r.Expand : values);
        return new HeadShape(count, even ? (key + 1) / 2 * 2 : key, value);

        int Share(double ratio) => Math.Max(1, (int)Math.Ceiling(ratio * config.DModel / count));
    }
}
