namespace GenoSeq.Models.Heads;

/// <summary>How the hidden states of a sequence become one vector.</summary>
public enum Pooling
{
    /// <summary>Mean over the sequence's own positions.</summary>
    Mean,

    /// <summary>Largest value of each channel over the sequence's own positions.</summary>
    Max,

    /// <summary>The last position that was read: of each strand its own last one.</summary>
    Last,

    /// <summary>Mean weighted by the softmax of a trained projection.</summary>
    Attention,

    /// <summary>
    /// Mean weighted by trained numbers for each position, of its own for each group of channels: for windows that were cut about
    /// a landmark (a splice site, the start of transcription), where a mean would forget how far away something is.
    /// </summary>
    Position,

    /// <summary>
    /// Mean over a row that padding on the left makes up to a fixed length, padding included and seen by the model: as in the
    /// published tables of Caduceus and HyenaDNA, and of no use otherwise.
    /// </summary>
    Parity,
}
