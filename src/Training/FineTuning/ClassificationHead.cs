using System.Text.Json.Nodes;
using GenoSeq.Models;
using GenoSeq.Models.Families;
using GenoSeq.Models.Families.Caduceus;
using GenoSeq.Models.Heads;

namespace GenoSeq.Training.FineTuning;

/// <summary>
/// Heads in the form of <c>CaduceusForSequenceClassification</c> (Schiff et al. 2024): <c>score.weight</c> beside
/// <c>caduceus.backbone.*</c>, and the labels in <c>config.json</c>.
/// </summary>
internal static class ClassificationHead
{
    /// <summary>
    /// The head in that form; null where there is none: the class knows Caduceus with a linear head on mean or max pooling. A bias
    /// is stored as <c>score.bias</c>, which the class does not have.
    /// </summary>
    internal static ModelFileHead? Of(TaskModel model)
    {
        TaskDescription task = model.Task;
        if (ModelLayout.For(model.Model.Config) is not CaduceusLayout || task.Kind == TaskKind.PerBase || task.Head.Hidden > 0 || task.Head.Pooling is not (Pooling.Mean or Pooling.Max))
        {
            return null;
        }

        var names = new JsonObject();
        var indices = new JsonObject();
        for (int i = 0; i < task.LabelNames.Count; i++)
        {
            names[FormattableString.Invariant($"{i}")] = task.LabelNames[i];
            indices[task.LabelNames[i]] = i;
        }

        return new ModelFileHead([.. model.Head.named_parameters().Select(p => (p.name, (Torch.torch.Tensor)p.parameter))], new JsonObject
        {
            ["architectures"] = new JsonArray("CaduceusForSequenceClassification"),
            ["id2label"] = names,
            ["label2id"] = indices,
            ["problem_type"] = task.Kind switch
            {
                TaskKind.Class => "single_label_classification",
                TaskKind.MultiLabel => "multi_label_classification",
                _ => "regression",
            },
        });
    }
}
