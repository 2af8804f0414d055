using System.IO.Pipes;
using GenoSeq.Cli.Console;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Runs;

namespace GenoSeq.Cli.Tests.Console;

public class ErrorReportTests
{
    private sealed class InputError(string what) : Exception(what);

    private static (int Code, string Text) Report(Exception error, bool debug = false, ErrorCatalog? catalog = null)
    {
        StringWriter writer = new();
        int code = ErrorReport.Write(writer, "embed", error, catalog ?? ErrorCatalog.CreateDefault(), debug);
        return (code, writer.ToString());
    }

    [Fact]
    public void Write_Configuration_HasTheForm()
    {
        ConfigException error = new(
        [
            new ConfigProblem("model.d_modle", "unknown key 'd_modle'", new ConfigLocation("run.yaml", 3, 5), "one of the keys in model: d_model", "d_model"),
            new ConfigProblem("steps", "the key is required and missing"),
        ]);
        Assert.Equal(
            (2, "genoseq embed: error: unknown key 'd_modle' (model.d_modle, run.yaml:3:5)\n  expected: one of the keys in model: d_model\n  try: d_model\n"
                + "genoseq embed: error: the key is required and missing (steps)\n"),
            Report(error));
    }

    [Fact]
    public void Write_RegisteredType_UsesItsDescription()
    {
        ErrorCatalog catalog = ErrorCatalog.CreateDefault().Register<InputError>(e => new ErrorDescription(e.Message, ExitCodes.BadInput) { Where = "a.fa:3" });
        Assert.Equal((3, "genoseq embed: error: bad byte (a.fa:3)\n"), Report(new AggregateException(new InputError("bad byte.")), catalog: catalog));
    }

    public static TheoryData<Exception, int> Codes => new()
    {
        { new RunFolderException("a", "b", "c", "d"), 2 },
        { new FileNotFoundException("no", "x.fa"), 3 },
        { new InvalidDataException("x"), 3 },
        { new DllNotFoundException("x"), 4 },
        { new InsufficientMemoryException(), 4 },
        { new TaskCanceledException(), 130 },
        { new IOException("disk full"), 1 },
        { new InvalidOperationException("x"), 1 },
    };

    [Theory]
    [MemberData(nameof(Codes))]
    public void Write_Exception_HasItsCode(Exception error, int code) => Assert.Equal(code, Report(error).Code);

    [Fact]
    public void Write_StackTrace_OnlyWithDebug()
    {
        Exception thrown = Assert.Throws<InvalidOperationException>(new Action(() => throw new InvalidOperationException("boom")));
        Assert.DoesNotContain("   at ", Report(thrown).Text, StringComparison.Ordinal);
        Assert.Contains("--debug", Report(thrown).Text, StringComparison.Ordinal);
        Assert.Contains("   at ", Report(thrown, debug: true).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_ClosedPipe_IsSilentAndOk()
    {
        using AnonymousPipeServerStream server = new(PipeDirection.In);
        FileStream pipe = new(new Microsoft.Win32.SafeHandles.SafeFileHandle(server.ClientSafePipeHandle.DangerousGetHandle(), ownsHandle: false), FileAccess.Write, 0);
        server.Close();
        IOException error = Assert.ThrowsAny<IOException>(() => pipe.Write(new byte[10]));
        Assert.Equal((0, string.Empty), Report(error));
    }
}
