using GenoSeq.Models.Families;
using GenoSeq.Models.Losses;
using GenoSeq.Torch;
using GenoSeq.Torch.Safetensors;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models;

/// <summary>One compared quantity.</summary>
/// <param name="Name">What was compared.</param>
/// <param name="MaxAbsolute">Largest absolute difference.</param>
/// <param name="RelativeNorm">||ours - theirs|| / ||theirs||.</param>
/// <param name="Tolerance">What is allowed.</param>
/// <param name="Error">The number that is held against the tolerance.</param>
public sealed record VerificationRow(string Name, double MaxAbsolute, double RelativeNorm, double Tolerance, double Error)
{
    /// <summary>Whether the quantity agrees; not so when the error is not a number.</summary>
    public bool Passed => Error <= Tolerance;
}

/// <summary>
/// Runs a model on recorded inputs of another implementation and compares everything recorded: <c>input_ids</c> and, where
/// the objective has them, <c>labels</c> (below 0 ignored; without labels the next token is the target) to <c>logits</c>,
/// <c>logits_tied</c> (of models with a tied head), <c>hidden_states</c>, <c>loss</c> and <c>grad.NAME</c>.
/// </summary>
public static class Verification
{
    /// <summary>Share of <see cref="Run"/>'s tolerance that the loss may be off, relative.</summary>
    private const double LossShare = 0.1;

    /// <summary>Multiple of the tolerance that a gradient's relative norm may be off.</summary>
    internal const double GradientMultiple = 10;

    /// <summary>Compares.</summary>
    /// <param name="model">The model, with the recorded weights.</param>
    /// <param name="layout">Layout of the names.</param>
    /// <param name="reference">The recorded file.</param>
    /// <param name="tolerance">
    /// Of logits and hidden states: largest difference over the largest recorded magnitude (at least 1). A tenth of it for
    /// the loss, ten times for gradients.
    /// </param>
    public static IReadOnlyList<VerificationRow> Run(SequenceModel model, ModelLayout layout, SafetensorsCheckpoint reference,
        double tolerance)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(layout);
        ArgumentNullException.ThrowIfNull(reference);
        using DisposeScope scope = NewDisposeScope();
        var rows = new List<VerificationRow>();
        Tensor ids = Require(reference, "input_ids", model);
        model.zero_grad();
        Tensor hidden = model.ForwardHidden(ids);
        Tensor logits = model.HeadOf(hidden);
        Compare(rows, reference, "hidden_states", hidden, tolerance);
        Compare(rows, reference, "logits", logits, tolerance);
        if (model.Head.IsTied)
        {
            Compare(rows, reference, "logits_tied", logits, tolerance);
        }

        if (reference.TryGet("loss", out _))
        {
            Tensor loss = Loss(model, ids, reference.TryGet("labels", out _) ? Require(reference, "labels", model) : null);
            Compare(rows, reference, "loss", loss.reshape(1), tolerance * LossShare);
            Gradients(rows, model, layout, reference, loss, tolerance * GradientMultiple);
        }

        return rows;
    }

    private static void Gradients(List<VerificationRow> rows, SequenceModel model, ModelLayout layout,
        SafetensorsCheckpoint reference, Tensor loss, double tolerance)
    {
        const string Prefix = "grad.";
        string[] recorded = [.. reference.Entries.Select(e => e.Name).Where(n => n.StartsWith(Prefix, StringComparison.Ordinal))];
        if (recorded.Length == 0)
        {
            return;
        }

        loss.backward();
        var parameters = model.named_parameters(remove_duplicate: false)
            .ToDictionary(p => layout.FileName(p.name, model.Config), p => p.parameter);
        foreach (string name in recorded)
        {
            if (!parameters.TryGetValue(name[Prefix.Length..], out nn.Parameter? p))
            {
                throw new CheckpointException($"{name} names no parameter of this model", reference.Path,
                    $"parameters of the {layout.Name} layout, such as {parameters.Keys.First()}", "the reference that belongs to the configuration");
            }

            Compare(rows, reference, name, p.grad ?? zeros_like(p), tolerance);
        }
    }

    // Mean over targets, as training takes it (on a GPU without logits); without labels each position predicts the next.
    private static Tensor Loss(SequenceModel model, Tensor ids, Tensor? labels)
    {
        long length = ids.size(1);
        Tensor targets = labels ?? cat([ids.narrow(1, 1, length - 1), zeros_like(ids.narrow(1, 0, 1)).sub(1)], 1);
        LossTotals totals = model.Loss(ids, targets.to(int32));
        return totals.Sum / totals.WeightSum;
    }

    private static void Compare(List<VerificationRow> rows, SafetensorsCheckpoint reference, string name, Tensor ours, double tolerance)
    {
        if (!reference.TryGet(name, out _))
        {
            return;
        }

        using IDisposable mode = no_grad();
        Tensor theirs = TensorFiles.Read(reference, name).to(float64);
        if (!ours.shape.AsSpan().SequenceEqual(theirs.shape))
        {
            throw new CheckpointException($"{name} was recorded with shape [{string.Join(", ", theirs.shape)}]", reference.Path,
                $"[{string.Join(", ", ours.shape)}], as this model gives", "the reference that belongs to the configuration");
        }

        rows.Add(Row(name, ours, theirs, tolerance, name.StartsWith("grad.", StringComparison.Ordinal)));
    }

    /// <summary>Compares two tensors: gradients by relative norm, the rest by the largest difference.</summary>
    internal static VerificationRow Row(string name, Tensor ours, Tensor theirs, double tolerance, bool gradient)
    {
        theirs = theirs.to(float64);
        Tensor difference = ours.detach().cpu().to(float64) - theirs;
        double max = difference.abs().max().item();
        double relative = difference.norm().item() / Math.Max(theirs.norm().item(), 1e-30);
        double scale = name == "loss" ? Math.Abs(theirs.max().item()) : Math.Max(theirs.abs().max().item(), 1);
        return new VerificationRow(name, max, relative, tolerance, gradient ? relative : max / Math.Max(scale, 1e-30));
    }

    private static Tensor Require(SafetensorsCheckpoint reference, string name, SequenceModel model)
    {
        if (!reference.TryGet(name, out SafetensorsEntry? entry) || entry.Shape.Length != 2)
        {
            throw new CheckpointException($"{name} is not recorded as a matrix", reference.Path,
                "input_ids [batch, length], and labels alike", "record the reference again");
        }

        Tensor t = TensorFiles.Read(reference, name);
        long high = t.max().ToInt64();
        if (name == "input_ids" && (t.min().ToInt64() < 0 || high >= model.Config.VocabSize))
        {
            throw new CheckpointException($"input_ids holds {high}", reference.Path,
                $"ids from 0 to {model.Config.VocabSize - 1}", "the reference that belongs to the configuration");
        }

        return t.to(model.Device);
    }
}
