using System.Globalization;
using GenoSeq.Models;
using GenoSeq.Torch;
using GenoSeq.Training.Configuration;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.FineTuning;

/// <summary>The model that fine-tuning begins with.</summary>
internal static class StartingWeights
{
    /// <summary>What is wrong with the settings for a model; null: nothing.</summary>
    internal static ConfigProblem? Problem(FineTuningConfig tuning, ModelConfig model)
    {
        if (tuning.FreshLayers > model.NLayer)
        {
            return new ConfigProblem("finetune.fresh_layers", string.Create(CultureInfo.InvariantCulture, $"the model has {model.NLayer} layers, not {tuning.FreshLayers}"), null,
                string.Create(CultureInfo.InvariantCulture, $"0 to {model.NLayer}"), "finetune.fresh_layers=1");
        }

        return tuning.LanguageWeight > 0 && tuning.MaskRate == 0 && model.Bidirectional
            ? new ConfigProblem("finetune.language_weight", "a model that sees both sides of a base learns from hidden ones, and none is hidden", null,
                "finetune.mask_rate above 0", "finetune.mask_rate=0.15")
            : null;
    }

    /// <summary>Fresh weights, or a checkpoint's; of those the top layers' may be fresh too, or all a mixture. Draws from the global generator.</summary>
    /// <param name="tuning">Says how many layers, and what share of fresh weights.</param>
    /// <param name="model">The architecture.</param>
    /// <param name="checkpoint">Folder of the weights; null: all are fresh.</param>
    /// <exception cref="ConfigException">More layers are to be fresh than there are.</exception>
    internal static SequenceModel Of(FineTuningConfig tuning, ModelConfig model, string? checkpoint)
    {
        if (checkpoint is null || (tuning.FreshLayers == 0 && !tuning.FreshNorm && tuning.FreshShare == 0))
        {
            return checkpoint is null ? ModelFile.Create(model) : ModelFile.Load(checkpoint);
        }

        if (Problem(tuning, model) is { } problem)
        {
            throw new ConfigException(problem);
        }

        using SequenceModel fresh = ModelFile.Create(model);
        SequenceModel loaded = ModelFile.Load(checkpoint);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        int top = model.NLayer + 1;
        Dictionary<string, nn.Parameter> drawn = fresh.named_parameters().ToDictionary(p => p.name, p => p.parameter, StringComparer.Ordinal);
        foreach ((string name, nn.Parameter parameter) in loaded.named_parameters())
        {
            // An output projection judges no task, so it is not drawn anew, and may be the embedding's weights once more.
            if (name.StartsWith("lm_head.", StringComparison.Ordinal))
            {
                continue;
            }

            int depth = TunedParameters.DepthOf(name, top);
            bool drawnAnew = depth == top ? tuning.FreshNorm || tuning.FreshLayers > 0 : depth > model.NLayer - tuning.FreshLayers;
            double share = drawnAnew ? 1 : tuning.FreshShare;
            parameter.copy_(share == 1 ? drawn[name] : (parameter * (1 - share)) + (drawn[name] * share));
        }

        return loaded;
    }
}
