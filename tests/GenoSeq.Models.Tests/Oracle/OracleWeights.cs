using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests.Oracle;

/// <summary>A model's parameters as doubles, by name; names of one tied parameter give one array.</summary>
internal sealed class OracleWeights
{
    private readonly Dictionary<string, double[]> _values = [];

    internal OracleWeights(SequenceModel model)
    {
        var seen = new Dictionary<nn.Parameter, double[]>(ReferenceEqualityComparer.Instance);
        foreach ((string name, nn.Parameter p) in model.named_parameters(remove_duplicate: false))
        {
            if (!seen.TryGetValue(p, out double[]? values))
            {
                values = Array.ConvertAll(p.ToArray<float>(), v => (double)v);
                seen.Add(p, values);
            }

            _values.Add(name, values);
        }
    }

    internal double[] this[string name] => _values[name];

    internal double[]? Optional(string name) => _values.GetValueOrDefault(name);
}
