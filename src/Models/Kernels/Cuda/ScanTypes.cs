using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>
/// Inputs of one selective scan: h_t = exp(delta_t A) h_{t-1} + delta_t B_t u_t, y_t = C_t h_t + Skip u_t, with
/// delta_t = softplus(Delta_t + DtBias). Activations are bfloat16 or single precision, everything else single precision.
/// Rows may be strided, 16-byte aligned; the rows of a batch entry follow those of the one before.
/// </summary>
/// <param name="U">Input u [batch, length, d_inner].</param>
/// <param name="Delta">Raw step size [batch, length, d_inner], before bias and softplus; with <see cref="DtProj"/> dt [batch, length, R].</param>
/// <param name="B">B [batch, length, d_state].</param>
/// <param name="C">C [batch, length, d_state].</param>
/// <param name="A">A [d_inner, d_state], contiguous, negative.</param>
/// <param name="Skip">Skip weight D [d_inner]; null for none.</param>
/// <param name="DtBias">Bias of the raw step size [d_inner]; null for none.</param>
/// <param name="Reverse">Scan from the last position to the first.</param>
/// <param name="InitialState">State before the first step in scan order [batch, d_inner, d_state]; null for zero.</param>
internal sealed record ScanDirection(
    Tensor U, Tensor Delta, Tensor B, Tensor C, Tensor A, Tensor? Skip, Tensor? DtBias, bool Reverse, Tensor? InitialState)
{
    /// <summary>
    /// dt_proj [d_inner, R], contiguous, in the activations' type: the forward pass takes dt DtProj^T, rounded to that type, as raw
    /// step sizes. The backward pass needs these themselves.
    /// </summary>
    internal Tensor? DtProj { get; init; }
}

/// <summary>Results of a forward launch, one of each for every direction.</summary>
/// <param name="Y">y before any gate [batch, length, d_inner], contiguous, of the activations' type.</param>
/// <param name="Checkpoints">
/// State before every 16th step (every 4th where dense) in scan order [batch, ceil(length / 16), ceil(d_inner / 16), d_state, 16], of the activations' type.
/// </param>
/// <param name="FinalState">State after the last step [batch, d_inner, d_state], single precision.</param>
/// <param name="Delta">Raw step sizes as they were used [batch, length, d_inner], of the activations' type.</param>
/// <param name="Segments">What the pre-pass found, where there was one and it was asked for.</param>
internal sealed record ScanForwardResult(Tensor[] Y, Tensor[]? Checkpoints, Tensor[]? FinalState, Tensor[]? Delta, ScanSegments? Segments);

/// <summary>Gradients of one scan; those of B and C are written to where the caller wants them.</summary>
/// <param name="DU">Of u [batch, length, d_inner], contiguous, of the activations' type.</param>
/// <param name="DDelta">Of the raw step size [batch, length, d_inner], likewise.</param>
/// <param name="DA">Of A [d_inner, d_state], single precision like the rest.</param>
/// <param name="DSkip">Of the skip weight [d_inner]; null without one.</param>
/// <param name="DDtBias">Of the step size's bias [d_inner]; null without one.</param>
/// <param name="DInitialState">Of the initial state [batch, d_inner, d_state]; null without one.</param>
internal sealed record ScanGradients(Tensor DU, Tensor DDelta, Tensor DA, Tensor? DSkip, Tensor? DDtBias, Tensor? DInitialState);
