using System.Text;

namespace GenoSeq.Data.Tests.Labelled;

public sealed class LabelledSetsTests : IDisposable
{
    private readonly TempFolder _temp = new();
    private readonly List<IDisposable> _open = [];

    public void Dispose()
    {
        _open.ForEach(o => o.Dispose());
        _temp.Dispose();
    }

    private LabelledSet Open(string path, LabelledSetOptions? options = null)
    {
        LabelledSet set = LabelledSets.Open(path, options);
        _open.Add(set);
        return set;
    }

    private LabelledSet Table(string text, LabelledSetOptions? options = null) => Open(_temp.Write("set.csv", text), options);

    private InputDataException Refused(string text, LabelledSetOptions? options = null) =>
        Assert.Throws<InputDataException>(() => Table(text, options));

    private static string Sequence(LabelledSet set, int row) => Encoding.ASCII.GetString(set.GetSequence(row));

    private static string[] Sequences(LabelledSet set) => [.. Enumerable.Range(0, set.Count).Select(r => Sequence(set, r))];

    [Fact]
    public void Open_GueFolder_HasItsParts()
    {
        _temp.Write("gue/train.csv", "sequence,label\nACGT,1\nAAAA,0\n");
        _temp.Write("gue/dev.csv", "sequence,label\r\nCCCC,0\r\n");
        _temp.Write("gue/test.csv", TempFolder.Gzip("sequence,label\nGGGGG,1\n"));
        _temp.Write("gue/README.md", "nothing of a set");
        LabelledSet set = Open(_temp.PathOf("gue"));
        Assert.Equal(("gue", LabelKind.Class, 4, false), (set.Name, set.Kind, set.Count, set.HasPairs));
        Assert.Equal(["ACGT", "AAAA", "CCCC", "GGGGG"], Sequences(set));
        Assert.Equal(["0", "1"], set.LabelNames);
        Assert.Equal([1, 0, 0, 1], Enumerable.Range(0, 4).Select(set.GetClass));
        Assert.Equal([2], set.Rows(LabelledPart.Dev));
        Assert.Equal("test:0", set.GetId(3));
        Assert.Equal(5, set.GetLength(3));
    }

    [Fact]
    public void Open_Pairs_HaveBothSequences()
    {
        LabelledSet set = Table("seq1,seq2,label\nACGT,GG,0\nAA,C,1\n");
        Assert.True(set.HasPairs);
        Assert.Equal("GG"u8.ToArray(), set.GetSecondSequence(0).ToArray());
        Assert.Equal("C"u8.ToArray(), set.GetSecondSequence(1).ToArray());
    }

    [Theory]
    [InlineData("10,9,2", "2,9,10")]
    [InlineData("b,B,10", "10,B,b")]
    [InlineData("-1,1,0", "-1,0,1")]
    public void Open_Classes_AreSortedByValueOrName(string labels, string names)
    {
        LabelledSet set = Table("sequence,label\n" + string.Concat(labels.Split(',').Select(l => $"ACGT,{l}\n")));
        Assert.Equal(names.Split(','), set.LabelNames);
        Assert.Equal(labels.Split(','), Enumerable.Range(0, 3).Select(r => set.LabelNames[set.GetClass(r)]));
    }

    [Fact]
    public void Open_ClassesGiven_KeepTheirOrder()
    {
        LabelledSet set = Table("text,target\nA,neg\nC,pos\n", new LabelledSetOptions { Classes = ["pos", "neg"] });
        Assert.Equal([1, 0], [set.GetClass(0), set.GetClass(1)]);
        InputDataException e = Refused("text,target\nA,neg\nC,3\n", new LabelledSetOptions { Classes = ["pos", "neg"] });
        Assert.Equal("the label '3' is none of the 2 classes", e.What);
        Assert.EndsWith("set.csv, line 3", e.Where, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_Numbers_AreRegression()
    {
        LabelledSet set = Table("sequence\tlabel\nACGT\t-0.5\nAC\t1e3\n");
        Assert.Equal(LabelKind.Number, set.Kind);
        Assert.Equal([-0.5f, 1000f], [set.GetValues(0)[0], set.GetValues(1)[0]]);
        Assert.Throws<InvalidOperationException>(() => set.GetClass(0));
        LabelledSet whole = Table("sequence,label\nACGT,3\n", new LabelledSetOptions { Kind = LabelKind.Number });
        Assert.Equal(3f, whole.GetValues(0)[0]);
    }

    [Fact]
    public void Open_WholeNumbersWithPoints_AreNumbersWithAWarning() =>
        Assert.Contains("if they are classes", Assert.Single(Table("sequence,label\nA,0.0\nC,1.0\n").Warnings), StringComparison.Ordinal);

    [Fact]
    public void Open_SeveralLabelColumns_AreMultiLabelOrTargets()
    {
        var options = new LabelledSetOptions { LabelColumns = ["a", "b"] };
        LabelledSet multi = Table("sequence,a,b\nA,1,0\nC,1,1\n", options);
        Assert.Equal(LabelKind.MultiLabel, multi.Kind);
        Assert.Equal([1f, 0f], multi.GetValues(0).ToArray());
        Assert.Equal([2, 1], multi.ClassCounts(LabelledPart.Train));
        LabelledSet numbers = Table("sequence,a,b\nA,1,0.5\n", options);
        Assert.Equal((LabelKind.Number, 0.5f), (numbers.Kind, numbers.GetValues(0)[1]));
        Assert.Equal("'0.5' is no label of a multi-label set", Refused("sequence,a,b\nA,1,0.5\n", options with { Kind = LabelKind.MultiLabel }).What);
    }

    [Fact]
    public void Open_SeparatedLabels_AreMultiLabel()
    {
        LabelledSet set = Table("sequence,label\nA,10;2\nC,2\n", new LabelledSetOptions { MultiLabelSeparator = ';', Delimiter = ',' });
        Assert.Equal(["2", "10"], set.LabelNames);
        Assert.Equal([1f, 1f], set.GetValues(0).ToArray());
        Assert.Equal([1f, 0f], set.GetValues(1).ToArray());
    }

    [Fact]
    public void Open_SplitColumn_MakesParts()
    {
        LabelledSet set = Table("id,sequence,label,split\nx,ACGT,0,train\ny,CC,0,Validation\nz,G,0,test\n");
        Assert.Equal([LabelledPart.Train, LabelledPart.Dev, LabelledPart.Test], Enumerable.Range(0, 3).Select(set.GetPart));
        Assert.Equal("y", set.GetId(1));
    }

    [Theory]
    [InlineData("sequence,label\nACGT,0\n,1\n", "the sequence is empty", 3)]
    [InlineData("sequence,label\nACGT,0\nACG-T,1\n", "'-' at position 4 of the sequence is no nucleotide", 3)]
    [InlineData("sequence,label\nMKVLE,0\n", "'L' at position 4 of the sequence is no nucleotide", 2)]
    [InlineData("sequence,label\nACGT,\n", "the label is empty", 2)]
    [InlineData("sequence,label\nACGT,0\nACGT\n", "the record has 1 columns", 3)]
    [InlineData("sequence,label,split\nACGT,0,other\n", "'other' is no part of a set", 2)]
    [InlineData("sequence,label,split\nACGT,0,train\nACGT,0,test\nACGT,1,test\n", "class '1' is missing in the training part", 4)]
    [InlineData("foo,bar\nACGT,0\n", "the table lacks a column of sequences (such as 'sequence'), nor ones of contig, start and end", 1)]
    [InlineData("sequence,bar\nACGT,0\n", "the table lacks a column of labels (such as 'label')", 1)]
    public void Open_Malformed_SaysWhatAndWhere(string text, string what, int line)
    {
        InputDataException e = Refused(text);
        Assert.Equal(what, e.What);
        Assert.Contains($"set.csv, line {line}", e.Where, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_BadNumber_SaysWhere()
    {
        InputDataException e = Refused("sequence,label\nA,1\nC,1\nG,nan\n", new LabelledSetOptions { Kind = LabelKind.Number });
        Assert.Equal("the label 'nan' is no finite number", e.What);
        Assert.EndsWith("line 4", e.Where, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_ClassMissingInTrain_MayBeAllowed()
    {
        const string text = "sequence,label,split\nACGT,0,train\nACGT,1,test\n";
        Assert.Equal("no row of the training part has the class '1'",
            Assert.Single(Table(text, new LabelledSetOptions { AllowClassesMissingInTrain = true }).Warnings));
        Assert.Single(Open(_temp.Write("x_test.csv", "sequence,label\nACGT,1\n")).Rows(LabelledPart.Test));
    }

    [Fact]
    public void Open_EmptyOrMissing_SaysSo()
    {
        Assert.Equal("the set has no rows", Refused("sequence,label\n").What);
        Assert.Equal("the table is empty", Refused("").What);
        Assert.Equal("file not found", Assert.Throws<InputDataException>(() => Open(_temp.PathOf("none"))).What);
        Directory.CreateDirectory(_temp.PathOf("empty"));
        Assert.Equal("no labelled set is in this folder", Assert.Throws<InputDataException>(() => Open(_temp.PathOf("empty"))).What);
    }

    [Fact]
    public void Open_TooManyDifferentLabels_AsksForTheKind()
    {
        string text = "sequence,label\n" + string.Concat(Enumerable.Range(0, 1001).Select(i => $"A,{i}\n"));
        Assert.Equal("give the kind: class or number", Refused(text).Try);
        Assert.Equal(1001, Table(text, new LabelledSetOptions { Kind = LabelKind.Class }).LabelNames.Count);
    }

    [Fact]
    public void Open_ClassFolders_AreRead()
    {
        for (int i = 0; i < 30; i++)
        {
            _temp.Write($"gb/train/{(i % 3 == 0 ? "positive" : "negative")}/{i}.txt", new string("ACGT"[i % 4], i + 1) + (i % 2 == 0 ? "\n" : ""));
        }
        _temp.Write("gb/test/positive/0.txt", "ACGT");
        _temp.Write("gb/metadata.yaml", "version: 0");
        LabelledSet set = Open(_temp.PathOf("gb"));
        Assert.Equal(["negative", "positive"], set.LabelNames);
        Assert.Equal([20, 10], set.ClassCounts(LabelledPart.Train));
        Assert.Equal([0, 1], set.ClassCounts(LabelledPart.Test));
        int row = set.Rows(LabelledPart.Train).Single(r => set.GetId(r) == "29");
        Assert.Equal((new string('C', 30), 0), (Sequence(set, row), set.GetClass(row)));

        Directory.CreateDirectory(_temp.PathOf("gb/test/negative"));
        Assert.Equal("the class 'negative' has no sequences", Assert.Throws<InputDataException>(() => Open(_temp.PathOf("gb"))).What);
        string bad = _temp.Write("gb/train/negative/99.txt", "AC\nGT\n");
        var e = Assert.Throws<InputDataException>(() => Open(_temp.PathOf("gb")));
        Assert.Equal($"{bad}, line 1", e.Where);
    }

    [Theory]
    [InlineData("chr1", "1")]
    [InlineData("1", "chr1")]
    public void Open_IntervalTables_AreCutFromTheGenome(string contig, string region)
    {
        using FastaGenome genome = Genomes.Parse($">{contig}\nAACCGGTTNa\n");
        _temp.Write("gb/train/enhancer.csv.gz", TempFolder.Gzip($"id,region,start,end,strand\n7,{region},1,4,+\n8,{region},1,4,-\n"));
        _temp.Write("gb/train/background.csv.gz", TempFolder.Gzip($"id,region,start,end,strand\n9,{region},8,10,.\n"));
        _temp.Write("gb/test/enhancer.csv.gz", TempFolder.Gzip($"id,region,start,end,strand\n1,{region},0,10,+\n"));
        LabelledSet set = Open(_temp.PathOf("gb"), new LabelledSetOptions { Genome = genome });
        Assert.Equal(["Na", "ACC", "GGT", "AACCGGTTNa"], Sequences(set));
        Assert.Equal(["background", "enhancer"], set.LabelNames);
        Assert.Equal([0, 1, 1, 1], Enumerable.Range(0, 4).Select(set.GetClass));
        Assert.Equal(new LabelledSource(new GenomeInterval(0, 1, 4), Strand.Reverse), set.GetSource(2));
        Assert.Equal("8", set.GetId(2));
        Assert.Equal("the table names places on a genome, and no genome is given",
            Assert.Throws<InputDataException>(() => Open(_temp.PathOf("gb"))).What);
    }

    [Theory]
    [InlineData("c\t0\t11\ttrain\t1", "end 11 is beyond contig 'c' of 10 bases")]
    [InlineData("c\t4\t4\ttrain\t1", "start 4 is not before end 4")]
    [InlineData("c\t-4\t4\ttrain\t1", "'-4' is no position")]
    [InlineData("c\t0\t999999999999999999\ttrain\t1", "end 999999999999999999 is beyond contig 'c' of 10 bases")]
    [InlineData("d\t0\t4\ttrain\t1", "the genome has no contig 'd'")]
    public void Open_BadInterval_SaysWhatAndWhere(string row, string what)
    {
        using FastaGenome genome = Genomes.Parse(">c\nAACCGGTTNa\n");
        InputDataException e = Refused("chromosome\tstart\tend\tsplit\tlabel\nc\t0\t5\ttrain\t1\n" + row + "\n", new LabelledSetOptions { Genome = genome });
        Assert.Equal(what, e.What);
        Assert.Contains("line 3", e.Where, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_BendTable_MayHaveNoLabels()
    {
        using FastaGenome genome = Genomes.Parse(">c\nAACCGGTTNa\n");
        LabelledSet set = Table("chromosome\tstart\tend\tstrand\tsplit\nc\t0\t5\t+\ttrain\nc\t5\t8\t-\tvalid\n", new LabelledSetOptions { Genome = genome });
        Assert.Equal(LabelKind.None, set.Kind);
        Assert.Equal(["AACCG", "AAC"], Sequences(set));
        Assert.Equal([1], set.Rows(LabelledPart.Dev));
    }

    [Fact]
    public void Open_NucleotideTransformerFasta_HasLabelsInHeaders()
    {
        _temp.Write("nt/train.fna", ">chr1:5-9|0\nACGT\nacgt\n\n>x y|1\r\nGG\r\n");
        _temp.Write("nt/test.fna.gz", TempFolder.Gzip(">z|1\nN\n"));
        LabelledSet set = Open(_temp.PathOf("nt"));
        Assert.Equal(["ACGTacgt", "GG", "N"], Sequences(set));
        Assert.Equal([0, 1, 1], Enumerable.Range(0, 3).Select(set.GetClass));
        Assert.Equal("x y", set.GetId(1));
        LabelledSet other = Open(_temp.Write("a.fa", ">5 pos a\nACGT\n>6 neg b\nC\n"), new LabelledSetOptions { FastaSeparator = ' ', FastaField = 1 });
        Assert.Equal(["neg", "pos"], other.LabelNames);
        Assert.Equal("5 a", other.GetId(0));
    }

    [Theory]
    [InlineData(">x\nACGT\n", "the header has no '|' before a label", 1)]
    [InlineData(">x|0\n>y|1\nA\n", "the sequence is empty", 1)]
    [InlineData(">x|\nA\n", "the label is empty", 1)]
    [InlineData(">x|0\nA\n>y|1\nA*\n", "'*' at position 2 of the sequence is no nucleotide", 3)]
    public void Open_BadFasta_SaysWhatAndWhere(string text, string what, int line)
    {
        var e = Assert.Throws<InputDataException>(() => Open(_temp.Write("a.fa", text)));
        Assert.Equal(what, e.What);
        Assert.EndsWith($"a.fa, line {line}", e.Where, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_FilesOfPartsBesideOtherFolders_AreTheSet()
    {
        _temp.Write("f/train.csv", "sequence,label\nA,0\n");
        _temp.Write("f/test/notes.md", "of something else");
        Assert.Equal(1, Open(_temp.PathOf("f")).Count);
    }

    [Fact]
    public void Open_TwoFilesOfAPart_AreRefused()
    {
        _temp.Write("f/train.csv", "sequence,label\nA,0\n");
        _temp.Write("f/train.tsv", "sequence\tlabel\nA\t0\n");
        Assert.Equal("two files are the train part", Assert.Throws<InputDataException>(() => Open(_temp.PathOf("f"))).What);
    }

    [Fact]
    public void Open_TruncatedGzip_IsRefused()
    {
        byte[] whole = TempFolder.Gzip("sequence,label\n" + string.Concat(Enumerable.Repeat("ACGTTGCA,0\nCCCC,1\n", 500)));
        Assert.Contains("truncated", Assert.Throws<InputDataException>(() => Open(_temp.Write("t.csv.gz", whole[..^9]))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_PartsOfDifferentKinds_AreRefused()
    {
        _temp.Write("f/train.csv", "sequence,label\nA,0\n");
        _temp.Write("f/test.csv", "seq1,seq2,label\nA,C,0\n");
        Assert.Equal("the file is of another kind than the files before", Assert.Throws<InputDataException>(() => Open(_temp.PathOf("f"))).What);
    }

    [Fact]
    public void Open_NamedFiles_MakeTheParts()
    {
        _temp.Write("f/a.csv", "sequence,label\nA,0\n");
        _temp.Write("f/b.csv", "sequence,label\nC,0\n");
        LabelledSet set = Open(_temp.PathOf("f"), new LabelledSetOptions { TrainFile = "b.csv", DevFile = "a.csv" });
        Assert.Equal(["C", "A"], Sequences(set));
        Assert.Equal([1], set.Rows(LabelledPart.Dev));
    }

    [Fact]
    public void Validate_Contradictions_AreAllNamed()
    {
        var options = new LabelledSetOptions
        {
            Classes = ["a", "a"],
            Kind = LabelKind.Number,
            SecondSequenceColumn = "s",
            FastaSeparator = '\n',
            MaxBytesInMemory = -1,
            Task = "t",
            TrainFile = "x",
        };
        Assert.Equal(6, options.Validate().Count);
        Assert.Throws<ArgumentException>(() => LabelledSets.Open("x", options));
        Assert.Empty(new LabelledSetOptions().Validate());
    }
}
