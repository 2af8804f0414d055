using System.Text;

namespace GenoSeq.Data.Tests.Labelled;

public sealed class LabelledSetTests
{
    private static LabelledSet Read(string text, LabelledSetOptions? options = null)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(text));
        return LabelledSets.Read(stream, "set", options);
    }

    private static LabelledSet Random(int rows, int classes, LabelledSetOptions? options = null)
    {
        var random = new Random(3);
        var text = new StringBuilder("sequence,label\n");
        for (int r = 0; r < rows; r++)
        {
            // Class c has a share that falls with c.
            int c = Math.Min(random.Next(classes), random.Next(classes));
            text.Append(random.GetString("ACGT", 10 + random.Next(20))).Append(',').Append(r < classes ? r : c).Append('\n');
        }
        return Read(text.ToString(), options);
    }

    [Fact]
    public void Sha256_SameContentInAnotherLayout_IsTheSame()
    {
        using LabelledSet csv = Read("sequence,label\nACGT,0\nCC,1\n");
        using LabelledSet tsv = Read("name\tlabel\tsequence\r\nx\t0\tACGT\r\ny\t1\tCC");
        using LabelledSet fasta = Read(">x|0\nAC\nGT\n>y|1\nCC\n");
        Assert.Equal(64, csv.Sha256.Length);
        Assert.Equal(csv.Sha256, tsv.Sha256);
        Assert.Equal(csv.Sha256, fasta.Sha256);
    }

    [Theory]
    [InlineData("sequence,label\nCC,1\nACGT,0\n")]
    [InlineData("sequence,label\nACGT,1\nCC,0\n")]
    [InlineData("sequence,label\nACG,0\nTCC,1\n")]
    [InlineData("sequence,label\nacgt,0\nCC,1\n")]
    [InlineData("sequence,label,split\nACGT,0,train\nCC,1,train\nG,1,test\n")]
    [InlineData("sequence,label\nACGT,a\nCC,b\n")]
    [InlineData("sequence,label\nACGT,0.0\nCC,1.0\n")]
    [InlineData("seq1,seq2,label\nACGT,A,0\nCC,A,1\n")]
    public void Sha256_AnyDifference_Shows(string other)
    {
        using LabelledSet a = Read("sequence,label\nACGT,0\nCC,1\n");
        using LabelledSet b = Read(other);
        Assert.NotEqual(a.Sha256, b.Sha256);
    }

    [Fact]
    public void Sha256_IsStable()
    {
        using LabelledSet set = Read("sequence,label\nACGT,0\nCC,1\n");
        // The documented layout, by hand: lengths and numbers in 4 bytes, little-endian.
        var bytes = new List<byte>();
        Text("genoseq-labelled-set-1");
        Text("Class");
        Number(2);
        Text("0");
        Text("1");
        Number(2);
        Number(0);
        Number(0);
        Text("ACGT");
        Number(0);
        Number(1);
        Text("CC");
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes.ToArray())), set.Sha256);

        void Number(int n) => bytes.AddRange(BitConverter.GetBytes(n));
        void Text(string t)
        {
            Number(t.Length);
            bytes.AddRange(Encoding.ASCII.GetBytes(t));
        }
    }

    [Fact]
    public void HoldOut_IsStratifiedAndAFunctionOfTheSeed()
    {
        using LabelledSet set = Random(2000, 5);
        IReadOnlyList<int> before = set.ClassCounts(LabelledPart.Train);
        LabelledSet a = set.HoldOut(0.1, 7);
        Assert.Equal(before.Select(n => (int)Math.Round(0.1 * n)), a.ClassCounts(LabelledPart.Dev));
        Assert.Equal(before, a.ClassCounts(LabelledPart.Train).Zip(a.ClassCounts(LabelledPart.Dev), (x, y) => x + y));
        Assert.Equal(Enumerable.Range(0, 2000), a.Rows(LabelledPart.Train).Concat(a.Rows(LabelledPart.Dev)).Order());
        Assert.Equal(a.Rows(LabelledPart.Dev), set.HoldOut(0.1, 7).Rows(LabelledPart.Dev));
        Assert.NotEqual(a.Rows(LabelledPart.Dev), set.HoldOut(0.1, 8).Rows(LabelledPart.Dev));
        Assert.NotEqual(set.Sha256, a.Sha256);
        Assert.Equal(a.Rows(LabelledPart.Dev).Order(), a.Rows(LabelledPart.Dev));
        Assert.Throws<InvalidOperationException>(() => a.HoldOut(0.1, 7));
        Assert.Throws<ArgumentOutOfRangeException>(() => set.HoldOut(1, 7));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public void Fold_EachRowButTheTest_ValidatesOnceInAnEvenShareOfItsClass(int count)
    {
        using LabelledSet read = Random(1500, 5);
        LabelledSet set = read.Split(0.1, 0.2, 3);
        int[] test = [.. set.Rows(LabelledPart.Test)], others = [.. set.Rows(LabelledPart.Train).Concat(set.Rows(LabelledPart.Dev)).Order()];
        LabelledSet[] folds = [.. Enumerable.Range(0, count).Select(f => set.Fold(count, f, 7))];
        Assert.Equal(others, folds.SelectMany(f => f.Rows(LabelledPart.Dev)).Order());
        int[] all = [.. set.ClassCounts(LabelledPart.Train).Zip(set.ClassCounts(LabelledPart.Dev), (a, b) => a + b)];
        foreach (LabelledSet fold in folds)
        {
            Assert.Equal(test, fold.Rows(LabelledPart.Test));
            Assert.Equal(others, fold.Rows(LabelledPart.Train).Concat(fold.Rows(LabelledPart.Dev)).Order());
            Assert.All(fold.ClassCounts(LabelledPart.Dev).Zip(all), c => Assert.InRange(c.First, (c.Second / (double)count) - 1.001, (c.Second / (double)count) + 1.001));
        }

        Assert.Equal(folds[0].Rows(LabelledPart.Dev), set.Fold(count, 0, 7).Rows(LabelledPart.Dev));
        Assert.NotEqual(folds[0].Rows(LabelledPart.Dev), set.Fold(count, 0, 8).Rows(LabelledPart.Dev));
    }

    [Fact]
    public void Fold_ManySmallClasses_AreSpreadEvenly()
    {
        // Fifty classes of two rows in three folds, each wanting to be in the first.
        using LabelledSet set = Read("sequence,label\n" + string.Concat(Enumerable.Range(0, 100).Select(i => $"{(char)("ACGT"[i % 4])}{new string('A', 1 + (i % 9))},{i / 2}\n")));
        Assert.All(Enumerable.Range(0, 3), f => Assert.InRange(set.Fold(3, f, 1).Rows(LabelledPart.Dev).Count, 31, 36));
    }

    [Theory]
    [InlineData("0.5,1.5,2.5,0.25,7,8,9,10,11")]
    [InlineData("a,b,a,b,a,b,a,b,b")]
    public void Fold_NumbersAndNames_EachRowValidatesOnce(string labels)
    {
        using LabelledSet set = Read("sequence,label\n" + string.Concat(labels.Split(',').Select(l => $"ACGT,{l}\n")));
        Assert.Equal(Enumerable.Range(0, 9), Enumerable.Range(0, 3).SelectMany(f => set.Fold(3, f, 1).Rows(LabelledPart.Dev)).Order());
        Assert.All(Enumerable.Range(0, 3), f => Assert.Equal(3, set.Fold(3, f, 1).Rows(LabelledPart.Dev).Count));
    }

    [Fact]
    public void RequireFolds_AFoldOfOneClass_IsRefusedByName()
    {
        using LabelledSet set = Read("sequence,label\nA,0\nC,0\nG,0\nT,0\nA,0\nC,1\nG,1\n");
        LabelledChecks.RequireFolds(set, 2, 1, "folds");
        var e = Assert.Throws<InputDataException>(() => LabelledChecks.RequireFolds(set, 3, 1, "folds"));
        Assert.Contains("of 3 has the class '0' in every row", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fold_TheOnlyRowOfAClass_AlwaysTrains()
    {
        using LabelledSet set = Read("sequence,label\nA,0\nC,0\nG,1\nT,2\nA,2\nC,2\n");
        LabelledSet[] folds = [.. Enumerable.Range(0, 2).Select(f => set.Fold(2, f, 1))];
        Assert.All(folds, f => Assert.Equal(1, f.ClassCounts(LabelledPart.Train)[1]));
        Assert.All(folds, f => Assert.Equal(1, f.ClassCounts(LabelledPart.Dev)[0]));
        Assert.Throws<ArgumentOutOfRangeException>(() => set.Fold(1, 0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => set.Fold(2, 2, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => set.Fold(2, -1, 1));
    }

    [Fact]
    public void HoldOut_SmallClasses_LoseOneAndNeverAll()
    {
        using LabelledSet set = Read("sequence,label\nA,0\nC,0\nG,1\nT,2\nA,2\nC,2\n");
        LabelledSet held = set.HoldOut(0.01, 1);
        Assert.Equal([1, 0, 1], held.ClassCounts(LabelledPart.Dev));
        Assert.Equal([1, 0, 1], set.HoldOut(0.5, 1).ClassCounts(LabelledPart.Dev).Select(n => Math.Min(n, 1)));
        Assert.Equal([1, 1, 1], set.HoldOut(0.99, 1).ClassCounts(LabelledPart.Train));
    }

    [Fact]
    public void GetSequence_BeyondTheMemoryLimit_ComesFromDisk()
    {
        // Long rows fill chunks quickly: 300 x 200,000 bases are 60 MB against a limit of 1 MB.
        var random = new Random(5);
        string[] long1 = [.. Enumerable.Range(0, 300).Select(_ => random.GetString("ACGT", 200_000))];
        string text = "sequence,label\n" + string.Concat(long1.Select((s, i) => $"{s},{i % 2}\n"));
        using LabelledSet set = Read(text, new LabelledSetOptions { MaxBytesInMemory = 1 << 20 });
        using LabelledSet whole = Read(text);
        Parallel.For(0, set.Count, r => Assert.Equal(long1[r], Encoding.ASCII.GetString(set.GetSequence(r))));
        Assert.Equal(whole.Sha256, set.Sha256);
    }

    [Fact]
    public void Warnings_ClassNumbersWithGaps_AreSaid()
    {
        using LabelledSet set = Read("sequence,label\nA,1\nC,3\n");
        Assert.Equal("the 2 class labels run from 1 to 3: they are numbered anew from 0 in this order", Assert.Single(set.Warnings));
    }
}
