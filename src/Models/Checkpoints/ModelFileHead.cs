using System.Text.Json.Nodes;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models;

/// <summary>A task's head as it is stored in the files of a model.</summary>
/// <param name="Tensors">Its tensors under the layout's names.</param>
/// <param name="Keys">Keys of <c>config.json</c> that say what it is.</param>
public sealed record ModelFileHead(IReadOnlyList<(string Name, Tensor Value)> Tensors, JsonObject Keys);
