using System.Diagnostics;
using System.Text.Json;
using GenoSeq.Training.Studies.Report;

namespace GenoSeq.Training.Tests.Studies.Report;

/// <summary>Reports in a browser without a network: on a phone, on a screen, dark, and on paper. <c>make test-browser</c> installs it.</summary>
[Trait("Category", "Browser")]
public sealed class BrowserTests
{
    private const int SmallestText = 11;

    private static readonly string s_folder = Path.Combine(Repository.Root, "artifacts", "browser");

    [ToolFact("chromium")]
    public void Report_InEveryForm_IsWholeAndLegible()
    {
        StudyReport.Write(FakeStudy.Whole(), Path.Combine(s_folder, "studies", "recall-fake"));
        Check(Path.Combine(s_folder, "studies", "recall-fake", StudyReport.HtmlFile), "report", form =>
        {
            using JsonDocument json = JsonDocument.Parse(File.ReadAllText(Path.Combine(s_folder, "studies", "recall-fake", StudyReport.JsonFile)));
            IEnumerable<int> expected = json.RootElement.GetProperty("plots").EnumerateArray().Select(p => p.GetProperty("series").EnumerateArray().Sum(s => s.GetProperty("points").GetArrayLength()));
            Assert.Equal(expected, form.GetProperty("points").EnumerateArray().Select(p => p.GetInt32()));
            Assert.True(form.GetProperty("toggled").GetBoolean(), "a click in the legend hides a line, and another shows it");
        });
    }

    [ToolFact("chromium")]
    public void Index_InEveryForm_IsWholeAndLegible()
    {
        StudyReport.Write(FakeStudy.Whole(), Path.Combine(s_folder, "studies", "recall-fake"));
        StudyIndex.Write(Path.Combine(s_folder, "studies"));
        Check(Path.Combine(s_folder, "studies", StudyIndex.HtmlFile), "studies", _ => { });
    }

    private static void Check(string page, string name, Action<JsonElement> more)
    {
        string script = Path.Combine(Repository.Root, "tests", "GenoSeq.Training.Tests", "Studies", "Report", "browser", "check.mjs");
        using Process process = Process.Start(new ProcessStartInfo("node",
            [script, Path.Combine(Repository.Root, "artifacts", "npm", "browser"), Tools.Find("chromium")!, page, s_folder, name])
        { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors.Result);
        using JsonDocument found = JsonDocument.Parse(output);
        foreach (JsonElement form in found.RootElement.GetProperty("forms").EnumerateArray())
        {
            string which = form.GetProperty("form").GetString()!;
            Assert.True(form.GetProperty("complaints").GetArrayLength() == 0, $"{which}: {form.GetProperty("complaints")}");
            Assert.True(form.GetProperty("overflow").GetInt32() <= 0, $"{which}: wider than the page by {form.GetProperty("overflow")} px: {form.GetProperty("widest")}");
            Assert.True(form.GetProperty("smallest").GetDouble() >= SmallestText, $"{which}: text of {form.GetProperty("smallest")} px: {form.GetProperty("smallestText")}");
            Assert.True(form.GetProperty("contrast").GetDouble() >= 4.5, $"{which}: contrast {form.GetProperty("contrast")}: {form.GetProperty("contrastText")}");
            Assert.True(form.GetProperty("colours").GetInt32() >= 16, $"{which}: a blank screenshot");
            more(form);
        }

        byte[] pdf = File.ReadAllBytes(Path.Combine(s_folder, name + ".pdf"));
        Assert.True(pdf.AsSpan().StartsWith("%PDF-"u8) && pdf.Length > 20_000, $"a blank PDF of {pdf.Length} bytes");
        Assert.Equal(0, found.RootElement.GetProperty("print").GetProperty("overflow").GetInt32());
        Assert.Equal(0, found.RootElement.GetProperty("print").GetProperty("boxes").GetInt32());
        Assert.Equal("rgb(255, 255, 255)", found.RootElement.GetProperty("print").GetProperty("paper").GetString());
    }
}
