namespace GenoSeq.Data.Tests;

public class InputDataExceptionTests
{
    [Fact]
    public void Message_AllParts_AreOnePerLine()
    {
        var e = new InputDataException("bad byte", "a.fa, line 3", "bases", "another file");
        Assert.Equal("bad byte (a.fa, line 3)\n  expected: bases\n  try: another file", e.Message);
        Assert.Equal(("bad byte", "a.fa, line 3", "bases", "another file"), (e.What, e.Where, e.Expected, e.Try));
    }

    [Fact]
    public void Message_OnlyWhat_IsJustThat() => Assert.Equal("bad", new InputDataException("bad").Message);
}
