using System.Text;

namespace GenoSeq.Data.Tests.Labelled;

public sealed class LabelledChecksTests
{
    [Theory]
    [InlineData("sequence,label,split\nA,x,train\nC,x,train\nG,x,test\n", "every row of the train part has the class 'x'")]
    [InlineData("sequence,label,split\nA,x,train\nC,y,train\nG,y,test\nT,y,test\n", "every row of the test part has the class 'y'")]
    [InlineData("sequence,label,split\nA,0.5,train\nC,0.5,train\n", "every row of the train part has the same values")]
    [InlineData("sequence,label,split\nA,x,test\nC,y,test\n", "no training rows")]
    public void RequireTrainable_NothingToLearn_IsSaid(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<InputDataException>(() => Check(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void RequireTrainable_SoundSet_Passes() => Check("sequence,label,split\nA,x,train\nC,y,train\nG,y,test\nT,x,test\n");

    [Theory]
    [InlineData("a,b", "a,b", null)]
    [InlineData("a,b", "b,a", "the same labels in another order")]
    [InlineData("a,b", "a,b,c", "'c' besides")]
    [InlineData("a,b", "a", "no 'b'")]
    [InlineData("a,b", "a,c", "'c' in place of 'b'")]
    public void RequireSameLabels_Difference_IsNamed(string a, string b, string? expected)
    {
        void Compare() => LabelledChecks.RequireSameLabels("model", a.Split(','), "test.csv", b.Split(','));
        if (expected is null)
        {
            Compare();
            return;
        }
        string message = Assert.Throws<InputDataException>(Compare).Message;
        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.Contains("test.csv", message, StringComparison.Ordinal);
    }

    private static void Check(string text)
    {
        using LabelledSet set = LabelledSets.Read(new MemoryStream(Encoding.ASCII.GetBytes(text)), "set");
        LabelledChecks.RequireTrainable(set);
    }
}
