using System.Text;

namespace GenoSeq.Data.Tests.Labelled;

public sealed class LabelledLeaksTests
{
    private static LabelledSet Read(string text) => LabelledSets.Read(new MemoryStream(Encoding.ASCII.GetBytes(text)), "set");

    [Fact]
    public void Find_CopiesAndReverseComplements_AreCountedByPairAndLabel()
    {
        using LabelledSet set = Read(
            "sequence,label,split\nAACG,0,train\naacg,0,train\nTTTT,0,train\nCGTT,1,train\nCGTT,0,test\nAACG,0,test\nAAAA,0,dev\nGGGG,0,dev\nCCCC,1,test\n");
        LabelledLeaks leaks = LabelledLeaks.Find(set);
        Assert.Equal(
            [
                new LabelledRepeats(LabelledPart.Train, 1, 1, 1),
                new LabelledRepeats(LabelledPart.Dev, 0, 0, 0),
                new LabelledRepeats(LabelledPart.Test, 0, 1, 0),
            ],
            leaks.Repeats);
        Assert.Equal(
            [
                new LabelledOverlap(LabelledPart.Train, LabelledPart.Dev, 0, 1, 1, 1, 0),
                new LabelledOverlap(LabelledPart.Train, LabelledPart.Test, 2, 2, 3, 2, 2),
                new LabelledOverlap(LabelledPart.Dev, LabelledPart.Test, 0, 1, 1, 1, 1),
            ],
            leaks.Shared);
        Assert.Equal([0, 1, 2, 3], leaks.TrainingRows);
    }

    [Fact]
    public void Find_CaseUracilAndPalindromes_AreTheSameSequence()
    {
        using LabelledSet set = Read("sequence,label,split\nacgu,0,train\nACGT,0,test\nANRY,0,train\nryNT,0,test\n");
        LabelledOverlap o = LabelledLeaks.Find(set).Shared[1];
        Assert.Equal((1, 2, 2), (o.Equal, o.WithReverseComplements, o.SameLabel));
    }

    [Fact]
    public void Find_Pairs_AreReversedInPlace()
    {
        using LabelledSet set = Read("seq1,seq2,label,split\nAAC,GG,0,train\nGTT,CC,0,test\nCC,GTT,0,test\nAA,CGG,0,test\n");
        Assert.Equal((0, 1), (LabelledLeaks.Find(set).Shared[1].Equal, LabelledLeaks.Find(set).Shared[1].WithReverseComplements));
    }

    [Fact]
    public void Find_EqualDigests_AreToldApartByTheirLetters()
    {
        using LabelledSet set = Random(300, 4, 5);
        LabelledLeaks right = LabelledLeaks.Find(set);
        LabelledLeaks collided = LabelledLeaks.Find(set, text => (UInt128)(text.Length % 2));
        Assert.Equal(right.Repeats, collided.Repeats);
        Assert.Equal(right.Shared, collided.Shared);
        Assert.Equal(right.TrainingRows, collided.TrainingRows);
    }

    [Fact]
    public void Find_RandomRows_AgreesWithComparingAll()
    {
        using LabelledSet set = Random(400, 5, 9);
        LabelledLeaks leaks = LabelledLeaks.Find(set);
        string[] texts = [.. Enumerable.Range(0, set.Count).Select(r => Encoding.ASCII.GetString(set.GetSequence(r)))];
        string[] reverse = [.. texts.Select(t => new string([.. t.Reverse().Select(c => c switch { 'A' => 'T', 'C' => 'G', 'G' => 'C', _ => 'A' })]))];
        foreach (LabelledOverlap o in leaks.Shared)
        {
            IReadOnlyList<int> a = set.Rows(o.A), b = set.Rows(o.B);
            HashSet<string> inA = [.. a.Select(r => texts[r])];
            Assert.Equal(b.Select(r => texts[r]).Distinct().Count(inA.Contains), o.Equal);
            Assert.Equal(b.Where(r => inA.Contains(texts[r]) || inA.Contains(reverse[r])).Select(r => texts[r]).Distinct().Count(), o.WithReverseComplements);
            int[] shared = [.. b.Where(r => inA.Contains(texts[r]) || inA.Contains(reverse[r]))];
            Assert.Equal(shared.Length, o.RowsOfB);
            Assert.Equal(shared.Count(r => a.All(s => (texts[s] != texts[r] && texts[s] != reverse[r]) || set.GetClass(s) == set.GetClass(r))), o.SameLabel);
        }
    }

    [Fact]
    public void DropLeaks_LeavesTheOtherRowsAsTheyWere()
    {
        using LabelledSet set = Read("sequence,label,id,split\nAACG,0,a,train\nGGGG,1,b,train\nCGTT,0,c,test\nTTTA,1,d,train\n");
        LabelledSet clean = set.DropLeaks(LabelledLeaks.Find(set));
        Assert.Equal(["b", "c", "d"], Enumerable.Range(0, clean.Count).Select(clean.GetId));
        Assert.Equal([1, 0, 1], Enumerable.Range(0, clean.Count).Select(clean.GetClass));
        Assert.Equal("TTTA", Encoding.ASCII.GetString(clean.GetSequence(2)));
        Assert.Equal([0, 2], clean.ClassCounts(LabelledPart.Train));
        Assert.NotEqual(set.Sha256, clean.Sha256);
        LabelledSet held = clean.HoldOut(0.5, 1);
        Assert.Equal((1, 1), (held.Rows(LabelledPart.Train).Count, held.Rows(LabelledPart.Dev).Count));
        Assert.Equal(["GGGG", "CGTT", "TTTA"], Enumerable.Range(0, held.Count).Select(r => Encoding.ASCII.GetString(held.GetSequence(r))));
    }

    [Fact]
    public void DropLeaks_OfNothingButLeaks_IsRefused()
    {
        using LabelledSet set = Read("sequence,label,split\nAACG,0,train\nCGTT,0,test\n");
        Assert.Contains("every training row", Assert.Throws<InputDataException>(() => set.DropLeaks(LabelledLeaks.Find(set))).Message, StringComparison.Ordinal);
    }

    private static LabelledSet Random(int rows, int length, int seed)
    {
        var random = new Random(seed);
        string[] parts = ["train", "dev", "test"];
        var text = new StringBuilder("sequence,label,split\n");
        for (int r = 0; r < rows; r++)
        {
            text.Append(random.GetString("ACGT", random.Next(3, length + 1))).Append(',').Append(r % 2).Append(',').Append(parts[random.Next(3)]).Append('\n');
        }
        return Read(text.ToString());
    }
}
