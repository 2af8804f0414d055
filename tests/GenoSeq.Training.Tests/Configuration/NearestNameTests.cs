using GenoSeq.Data;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.Tests.Configuration;

public class NearestNameTests
{
    [Theory]
    [InlineData("", "", 0)]
    [InlineData("abc", "", 3)]
    [InlineData("kitten", "sitting", 3)]
    [InlineData("d_modle", "d_model", 1)]
    [InlineData("ab", "ba", 1)]
    public void Distance_Pairs_AreAsDefined(string a, string b, int distance)
    {
        Assert.Equal(distance, EditDistance.Between(a, b));
        Assert.Equal(distance, EditDistance.Between(b, a));
    }

    [Theory]
    [InlineData("d_modle", "d_model")]
    [InlineData("d-model", "d_model")]
    [InlineData("DMODEL", "d_model")]
    [InlineData("--n-layers", "n_layer")]
    [InlineData("lr", "min_lr")]
    [InlineData("wd", "weight_decay")]
    [InlineData("zzzz", null)]
    [InlineData("x", null)]
    public void Suggest_Typo_FindsTheName(string name, string? expected) =>
        Assert.Equal(expected is null ? [] : [expected], NearestName.Suggest(name, ["d_model", "n_layer", "d_state", "min_lr", "weight_decay", "q"], most: 1));

    [Fact]
    public void Suggest_Several_NearestFirstAndAtMostThree() =>
        Assert.Equal(["beta1", "beta2", "beta3"], NearestName.Suggest("beta", ["gamma", "beta1", "beta2", "beta3", "beta4"]));
}
