namespace GenoSeq.Models;

/// <summary>Settings of the mixers that convolve: Hyena, H3, and the operators of StripedHyena 2.</summary>
public sealed record HyenaConfig
{
    /// <summary>Positions that Hyena's implicit filter is stretched over: it depends on this number, and no sequence may be longer.</summary>
    public int LMax { get; init; } = 32770;

    /// <summary>Features of a position that the implicit filter is a function of: its place and sines, an odd number.</summary>
    public int EmbDim { get; init; } = 5;

    /// <summary>Width of the implicit filter's MLP.</summary>
    public int FilterOrder { get; init; } = 64;

    /// <summary>Layers of the implicit filter's MLP between the first and the last.</summary>
    public int NumInnerMlps { get; init; } = 2;

    /// <summary>Initial factor inside the sines of the implicit filter's MLP.</summary>
    public double ActivationFreq { get; init; } = 10;

    /// <summary>Taps of the convolution behind in_proj (all but H3).</summary>
    public int ShortFilter { get; init; } = 3;

    /// <summary>Groups of channels that share a filter (hyena-se, hyena-mr); 0: one for 16 channels, as in Evo 2.</summary>
    public int FilterGroups { get; init; }

    /// <summary>Taps of the explicit filter of hyena-se.</summary>
    public int SeLength { get; init; } = 7;

    /// <summary>Taps of the explicit filter of hyena-mr.</summary>
    public int MrLength { get; init; } = 128;

    /// <summary>Real poles of each channel's filter in hyena-li.</summary>
    public int Poles { get; init; } = 16;

    /// <summary>Groups of channels that share a filter, resolved.</summary>
    public int Groups(int dModel) => FilterGroups > 0 ? FilterGroups : dModel % 16 == 0 ? dModel / 16 : 1;

    /// <summary>Every problem of the settings.</summary>
    public IEnumerable<string> Validate(int dModel)
    {
        if (LMax < 2) yield return $"l_max must be at least 2, not {LMax}";
        if (EmbDim < 3 || EmbDim % 2 == 0) yield return $"emb_dim must be odd and at least 3, not {EmbDim}";
        if (FilterOrder < 1) yield return $"filter_order must be at least 1, not {FilterOrder}";
        if (NumInnerMlps < 0) yield return $"num_inner_mlps must be at least 0, not {NumInnerMlps}";
        if (ShortFilter is < 1 or > 8) yield return $"short_filter must be 1 to 8, not {ShortFilter}";
        if (FilterGroups < 0 || dModel % Groups(dModel) != 0) yield return $"filter_groups must divide d_model ({dModel}), or be 0, not {FilterGroups}";
        if (SeLength < 2) yield return $"se_length must be at least 2, not {SeLength}";
        if (MrLength < 2) yield return $"mr_length must be at least 2, not {MrLength}";
        if (Poles < 1) yield return $"poles must be at least 1, not {Poles}";
    }
}
