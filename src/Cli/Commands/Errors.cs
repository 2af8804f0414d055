using GenoSeq.Cli.Console;
using GenoSeq.Data;
using GenoSeq.Models;
using GenoSeq.Models.Kernels.Cuda.Runtime;
using GenoSeq.Torch;
using GenoSeq.Torch.Safetensors;
using GenoSeq.Training.Distributed;
using GenoSeq.Training.Engine;

namespace GenoSeq.Cli.Commands;

/// <summary>The exceptions of all projects in words, with their exit codes.</summary>
internal static class Errors
{
    internal static ErrorCatalog Catalog() => ErrorCatalog.CreateDefault()
        .Register<InputDataException>(e => new ErrorDescription(e.What, ExitCodes.BadInput) { Where = e.Where, Expected = e.Expected, Try = e.Try })
        .Register<CheckpointException>(e => new ErrorDescription(e.What, ExitCodes.BadInput) { Where = e.Where, Expected = e.Expected, Try = e.Try })
        .Register<SafetensorsException>(e => Sentence(e.Message, ExitCodes.BadInput))
        .Register<OutputException>(e => new ErrorDescription(e.What, e.Problem switch
        {
            OutputProblem.Refused => ExitCodes.Usage,
            OutputProblem.DiskFull => ExitCodes.MissingResource,
            _ => ExitCodes.Failed,
        })
        { Where = e.Where, Expected = e.Expected, Try = e.Try })
        .Register<IOException>(e => Sentence(e.Message,
            e.Message.Contains(": the disk is full: ", StringComparison.Ordinal) ? ExitCodes.MissingResource : ExitCodes.Failed))
        .RegisterMany<ModelConfigException>(e => [.. e.Problems.Select(p => new ErrorDescription(p, ExitCodes.Usage) { Where = "model" })])
        .RegisterMany<DistributedEnvironmentException>(e => [.. e.Problems.Select(p => new ErrorDescription(p, ExitCodes.Usage)
        {
            Where = e.Launcher == "the environment" ? "environment" : e.Launcher,
            Try = DistributedEnvironmentException.Advice,
        })])
        .Register<MasterPortException>(e => new ErrorDescription(e.What, ExitCodes.MissingResource) { Where = e.Where, Expected = "a free port", Try = e.Try })
        .Register<RankDisagreementException>(e => new ErrorDescription(e.Message, ExitCodes.Usage) { Expected = RankDisagreementException.Expected })
        .Register<DistributedException>(e => Lines(e.Message, ExitCodes.Failed))
        .Register<TrainingDivergedException>(e => Lines(e.Message, ExitCodes.Failed))
        .Register<MissingLibraryException>(e => new ErrorDescription(e.What, ExitCodes.MissingResource) { Expected = e.Expected, Try = e.Try })
        .Register<MissingNativeLibraryException>(e => new ErrorDescription(e.What, ExitCodes.MissingResource) { Expected = e.Expected, Try = e.Try })
        .Register<CudaKernelException>(e => new ErrorDescription(e.Message, ExitCodes.Failed) { Try = "genoseq doctor --check" })
        .Register<TorchOutOfMemoryException>(e => new ErrorDescription($"out of memory: {e.Message}", ExitCodes.MissingResource)
        {
            Try = "train.recompute=layer, a smaller train.micro_batch_size, or a shorter data.context_length; of embed a smaller --memory-limit or --batch-bases",
        });

    // A sentence "what; expected ...; try ...", taken apart.
    private static ErrorDescription Sentence(string message, int code)
    {
        (string rest, string? advice) = Split(message, "; try ");
        (string what, string? expected) = Split(rest, "; expected ");
        return new ErrorDescription(what, code) { Expected = expected, Try = advice };

        static (string Before, string? After) Split(string text, string mark)
        {
            int at = text.LastIndexOf(mark, StringComparison.Ordinal);
            return at < 0 ? (text, null) : (text[..at], text[(at + mark.Length)..]);
        }
    }

    // A message composed of "what", "expected: ..." and "try: ..." lines, taken apart.
    private static ErrorDescription Lines(string message, int code)
    {
        string[] lines = message.Split('\n');
        string? Find(string key) => lines.Select(l => l.Trim()).FirstOrDefault(l => l.StartsWith(key, StringComparison.Ordinal))?[key.Length..].Trim();
        return new ErrorDescription(lines[0], code) { Expected = Find("expected:"), Try = Find("try:") };
    }
}
