using System.Text;
using System.Text.Json.Nodes;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.Tests.Configuration;

public class ConfigTreeTests
{
    private static ConfigProblem Problem(Action action) =>
        Assert.Single(Assert.Throws<ConfigException>(action).Problems);

    [Theory]
    [InlineData("null", "null")]
    [InlineData("~", "null")]
    [InlineData("", "null")]
    [InlineData("true", "true")]
    [InlineData("False", "false")]
    [InlineData("yes", "\"yes\"")]
    [InlineData("12", "12")]
    [InlineData("-7", "-7")]
    [InlineData("0x1F", "31")]
    [InlineData("0o17", "15")]
    [InlineData("017", "17")]
    [InlineData("1_048_576", "1048576")]
    [InlineData("1__0", "\"1__0\"")]
    [InlineData("1_", "\"1_\"")]
    [InlineData("_1", "\"_1\"")]
    [InlineData("1e-3", "0.001")]
    [InlineData("1.5", "1.5")]
    [InlineData(".5", "0.5")]
    [InlineData("2.", "2")]
    [InlineData("18446744073709551615", "18446744073709551615")]
    [InlineData("'12'", "\"12\"")]
    [InlineData("\"true\"", "\"true\"")]
    [InlineData("!!str 12", "\"12\"")]
    [InlineData("!!float 12", "12")]
    [InlineData("chr1:1-20", "\"chr1:1-20\"")]
    [InlineData("2026-11-22", "\"2026-11-22\"")]
    [InlineData("-", "[null]")]
    [InlineData("1.2.3", "\"1.2.3\"")]
    public void ParseYaml_Scalar_HasCoreSchemaType(string yaml, string json)
    {
        JsonObject root = ConfigTree.ParseYaml($"x:\n  {yaml}\n", "f.yaml").ToNode();
        Assert.Equal(json, root["x"]?.ToJsonString() ?? "null");
    }

    [Theory]
    [InlineData("a: 1\nb: 2\na: 3\n", 3, 1, "a", "appears twice")]
    [InlineData("a:\n  b: 1\n  c: [1, 2\nd: 3\n", 3, 0, "", "not well-formed")]
    [InlineData("a: 'x\n", 1, 0, "", "not well-formed")]
    [InlineData("a: 1\n\tb: 2\n", 1, 0, "", "not well-formed")]
    [InlineData("a: .inf\n", 1, 4, "a", "not finite")]
    [InlineData("a: 99999999999999999999\n", 1, 4, "a", "64 bits")]
    [InlineData("a: 1\n---\nb: 2\n", 2, 1, "", "second YAML document")]
    [InlineData("- 1\n", 1, 1, "", "is a sequence")]
    [InlineData("base: &b {x: 1}\nc:\n  <<: *b\n", 3, 3, "c[\"<<\"]", "merge keys")]
    [InlineData("a: *nowhere\n", 1, 0, "a", "")]
    [InlineData("? [a, b]\n: 1\n", 1, 3, "", "single word")]
    [InlineData("a: !!int x\n", 1, 4, "a", "type")]
    [InlineData("a: !cat x\n", 1, 4, "a", "unknown")]
    [InlineData("a: &x [1, *x]\n", 1, 11, "a[1]", "no finished anchor")]
    public void ParseYaml_Malformed_SaysWhere(string yaml, int line, int column, string path, string what)
    {
        ConfigProblem problem = Problem(() => ConfigTree.ParseYaml(yaml, "f.yaml"));
        Assert.Contains(what, problem.What, StringComparison.Ordinal);
        Assert.Equal(line, problem.Location!.Value.Line);
        if (column > 0)
        {
            Assert.Equal(path, problem.Path);
            Assert.Equal(new ConfigLocation("f.yaml", line, column), problem.Location);
        }

        Assert.StartsWith($"f.yaml:{line}:", problem.Location!.Value.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void ParseYaml_Aliases_Repeat()
    {
        ConfigTree tree = ConfigTree.ParseYaml("a: &x {p: 1}\nb: *x\nc: [*x, *x]\n", "f.yaml");
        Assert.Equal("""{"a":{"p":1},"b":{"p":1},"c":[{"p":1},{"p":1}]}""", tree.ToNode().ToJsonString());
        Assert.Equal(new ConfigLocation("f.yaml", 2, 1), tree.LocationOf("b.p"));
    }

    [Fact]
    public void Parse_MutatedText_GivesATreeOrAConfigException()
    {
        const string Yaml = "a: &x {p: 1, q: [1, 'two', \"three\"]}\nb: *x\nc:\n  - d: |\n      text\n  - !!str 5\n# end\n";
        const string Json = "{\"a\": {\"b\": [1, 2.5, \"x\\u00e9\", null, true]}, // c\n \"d\": 1e3}";
        const string Syntax = "[]{}:,&*!|>'\"#%@`-? \n\t\\\0é~0.e";
        Random random = new(7);
        int refused = 0;
        for (int i = 0; i < 6000; i++)
        {
            StringBuilder text = new(i % 3 == 0 ? Json : Yaml);
            for (int edits = random.Next(1, 4); edits > 0; edits--)
            {
                int at = random.Next(text.Length);
                _ = random.Next(3) switch
                {
                    0 => text.Remove(at, 1),
                    1 => text.Insert(at, Syntax[random.Next(Syntax.Length)]),
                    _ => text.Remove(at, Math.Min(text.Length - at, random.Next(12))),
                };
            }

            try
            {
                _ = i % 3 == 0 ? ConfigTree.ParseJson(text.ToString(), "f") : ConfigTree.ParseYaml(text.ToString(), "f");
            }
            catch (ConfigException error)
            {
                Assert.NotEmpty(error.Message);
                refused++;
            }
        }

        Assert.InRange(refused, 1000, 5900);
    }

    [Fact]
    public void ParseYaml_AliasBomb_IsRefused()
    {
        StringBuilder bomb = new("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (int i = 1; i < 12; i++)
        {
            bomb.Append(System.Globalization.CultureInfo.InvariantCulture, $"a{i}: &a{i} [").AppendJoin(", ", Enumerable.Repeat($"*a{i - 1}", 10)).Append("]\n");
        }

        Assert.Contains("aliases expand", Problem(() => ConfigTree.ParseYaml(bomb.ToString(), "f.yaml")).What, StringComparison.Ordinal);
    }

    [Fact]
    public void ParseYaml_DeepNesting_IsRefused() => Assert.Contains(
        "nesting", Problem(() => ConfigTree.ParseYaml("a: " + new string('[', 90) + new string(']', 90), "f.yaml")).What, StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData("# nothing\n")]
    [InlineData("---\n")]
    [InlineData("{}")]
    public void ParseYaml_Empty_IsEmptyTree(string yaml) => Assert.Empty(ConfigTree.ParseYaml(yaml, "f.yaml").ToNode());

    [Fact]
    public void ParseJson_Tree_EqualsYaml()
    {
        const string Json = "{\n  // a comment\n  \"a\": {\"b\": [1, 2.5, \"x\\u00e9\", null, true]},\n  \"é\": 1e3,\n}";
        ConfigTree json = ConfigTree.ParseJson(Json, "f.json");
        Assert.Equal(new ConfigLocation("f.json", 3, 4 - 1), json.LocationOf("a"));
        Assert.Equal(new ConfigLocation("f.json", 3, 18), json.LocationOf("a.b[1]"));
        Assert.Equal("""{"a":{"b":[1,2.5,"x\u00E9",null,true]},"\u00E9":1000}""", json.ToNode().ToJsonString());
    }

    [Theory]
    [InlineData("{\"a\": 1,\n \"a\": 2}", 2, 2)]
    [InlineData("{\"a\": 1,\n \"b\": }", 2, 7)]
    public void ParseJson_Malformed_SaysWhere(string json, int line, int column) =>
        Assert.Equal(new ConfigLocation("f.json", line, column), Problem(() => ConfigTree.ParseJson(json, "f.json")).Location);

    [Fact]
    public void Load_MissingFile_NamesIt()
    {
        ConfigProblem problem = Problem(() => ConfigTree.Load("no-such-file.yaml"));
        Assert.Equal("no-such-file.yaml: the configuration file does not exist", problem.ToString());
    }

    [Fact]
    public void Merge_Groups_AreDeepAndTheRestReplaces()
    {
        ConfigTree preset = ConfigTree.FromNode((JsonObject)JsonNode.Parse("""{"m":{"d":1,"l":[1,2,3],"k":{"x":1}},"s":{"y":1}}""")!, "preset tiny");
        ConfigTree file = ConfigTree.ParseYaml("m:\n  d: 2\n  l: [9]\ns: null\nk: {z: 1}\n", "run.yaml");
        ConfigTree merged = preset.Merge(file).WithOverrides(["m.k.x=5", "new.deep.key=[a.fa, b.fa]", "m.l[0]=7"]);
        Assert.Equal("""{"m":{"d":2,"l":[7],"k":{"x":5}},"s":null,"k":{"z":1},"new":{"deep":{"key":["a.fa","b.fa"]}}}""", merged.ToNode().ToJsonString());
        Assert.Equal("run.yaml:2:3", merged.LocationOf("m.d").ToString());
        Assert.Equal("override 'm.k.x=5'", merged.LocationOf("m.k.x").ToString());
        Assert.Equal("override 'm.l[0]=7'", merged.LocationOf("m.l[0]").ToString());
        Assert.Equal("preset tiny", preset.Merge(ConfigTree.Empty).LocationOf("m.d").ToString());
        Assert.Equal(1, (int)preset.ToNode()["m"]!["d"]!);
    }

    [Theory]
    [InlineData("x=M M A", "\"M M A\"")]
    [InlineData("x=\"M M A\"", "\"M M A\"")]
    [InlineData("x='12'", "\"12\"")]
    [InlineData("x=12", "12")]
    [InlineData("x=1_000", "1000")]
    [InlineData("x=null", "null")]
    [InlineData("x=[]", "[]")]
    [InlineData("x={a: 1, b: [2]}", "{\"a\":1,\"b\":[2]}")]
    [InlineData("x=*.fa", "\"*.fa\"")]
    [InlineData("x=a: b # c", "\"a: b # c\"")]
    [InlineData("x=a=b", "\"a=b\"")]
    [InlineData("x=-5", "-5")]
    public void WithOverrides_Value_IsTyped(string argument, string json) => Assert.Equal(
        json, ConfigTree.Empty.WithOverrides([argument]).ToNode()["x"]?.ToJsonString() ?? "null");

    [Theory]
    [InlineData("steps", "no '='")]
    [InlineData("=5", "not a dotted path")]
    [InlineData("a..b=5", "not a dotted path")]
    [InlineData("a[x]=5", "not a dotted path")]
    [InlineData("a=", "no value")]
    [InlineData("a=[1, 2", "not well-formed")]
    [InlineData("a=\"x", "not well-formed")]
    [InlineData("a=.nan", "not finite")]
    [InlineData("leaf.x=1", "not a group")]
    [InlineData("list[5]=1", "2 elements")]
    [InlineData("leaf[0]=1", "not a sequence")]
    [InlineData("none[0].x=1", "not there")]
    public void WithOverrides_Malformed_NamesTheArgument(string argument, string what)
    {
        ConfigTree tree = ConfigTree.ParseYaml("leaf: 1\nlist: [1, 2]\n", "f.yaml");
        ConfigProblem problem = Problem(() => tree.WithOverrides([argument]));
        Assert.Contains(what, problem.What, StringComparison.Ordinal);
        Assert.Equal($"override '{argument}'", problem.Location.ToString());
    }

    [Fact]
    public void WithOverrides_SeveralMalformed_AreAllReported() =>
        Assert.Equal(2, Assert.Throws<ConfigException>(() => ConfigTree.Empty.WithOverrides(["a", "b=1", "c="])).Problems.Count);
}
