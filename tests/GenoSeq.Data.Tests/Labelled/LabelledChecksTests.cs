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

    private static void Check(string text)
    {
        using LabelledSet set = LabelledSets.Read(new MemoryStream(Encoding.ASCII.GetBytes(text)), "set");
        LabelledChecks.RequireTrainable(set);
    }
}
