using System.Text.Json.Serialization.Metadata;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.Tests.Configuration;

public class ConfigNamesTests
{
    [Theory]
    [InlineData("DModel", "d_model", "--d-model")]
    [InlineData("NLayer", "n_layer", "--n-layer")]
    [InlineData("RcEquivariant", "rc_equivariant", "--rc-equivariant")]
    [InlineData("Beta1", "beta1", "--beta1")]
    [InlineData("ALog", "a_log", "--a-log")]
    [InlineData("DState", "d_state", "--d-state")]
    [InlineData("D", "d", "--d")]
    [InlineData("GlobalBatchSize", "global_batch_size", "--global-batch-size")]
    public void EverySpelling_GivesEveryOther(string property, string key, string flag)
    {
        foreach (string spelling in new[] { property, key, flag })
        {
            Assert.Equal(property, ConfigNames.ToProperty(spelling));
            Assert.Equal(key, ConfigNames.ToKey(spelling));
            Assert.Equal(flag, ConfigNames.ToFlag(spelling));
        }

        Assert.True(ConfigNames.IsReversible(property));
    }

    [Theory]
    [InlineData("BPB")]
    [InlineData("GPUCount")]
    public void IsReversible_RunOfCapitals_IsFalse(string property) => Assert.False(ConfigNames.IsReversible(property));

    [Fact]
    public void EveryProperty_OfEveryRecord_IsNamedByThePolicy()
    {
        int seen = 0;
        foreach (Type record in new[] { typeof(SampleRun), typeof(SampleModel), typeof(SampleOptim), typeof(SampleMamba), typeof(SampleAttention) })
        {
            JsonTypeInfo info = SampleContext.Default.Options.GetTypeInfo(record);
            Dictionary<string, JsonPropertyInfo> keys = info.Properties.ToDictionary(p => p.Name);
            foreach (System.Reflection.PropertyInfo property in record.GetProperties())
            {
                Assert.True(ConfigNames.IsReversible(property.Name), property.Name);
                Assert.Contains(ConfigNames.ToKey(property.Name), keys);
                seen++;
            }
        }

        Assert.True(seen > 20);
    }
}
