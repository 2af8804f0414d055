using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.Tests.Configuration;

public class ConfigPathTests
{
    [Theory]
    [InlineData("a", "")]
    [InlineData("a.b", "a")]
    [InlineData("a.b[3]", "a.b")]
    [InlineData("a.b[3].c", "a.b[3]")]
    [InlineData("a[\"x.y[0]\"]", "a")]
    [InlineData("[\"x.y\"]", "")]
    public void Parent_Path_IsOneLevelUp(string path, string parent) => Assert.Equal(parent, ConfigPath.Parent(path));

    [Fact]
    public void Parent_Root_IsNull() => Assert.Null(ConfigPath.Parent(string.Empty));

    [Theory]
    [InlineData("a.b", "a", true)]
    [InlineData("a[0]", "a", true)]
    [InlineData("ab", "a", false)]
    [InlineData("a", "a", true)]
    [InlineData("a", "", true)]
    public void IsAtOrBelow_Paths(string path, string ancestor, bool below) => Assert.Equal(below, ConfigPath.IsAtOrBelow(path, ancestor));

    [Fact]
    public void Split_Join_AreInverse() => Assert.Equal("a.b[2][0].c-d", ConfigPath.Join(ConfigPath.Split("a.b[2][0].c-d")!));
}
