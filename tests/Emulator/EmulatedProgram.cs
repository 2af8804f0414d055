using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using GenoSeq.Models.Kernels.Cuda;

namespace GenoSeq.Emulator;

/// <summary>A program's text as plain C++, compiled into a library that is kept between runs under the hash of all it depends on.</summary>
internal sealed partial class EmulatedProgram
{
    private const string EndOfPrimitives = "// END OF PRIMITIVES";

    private static readonly ConcurrentDictionary<KernelProgram, Lazy<EmulatedProgram>> s_programs = new();

    private readonly string _name;
    private readonly nint _library;

    /// <summary>Compiles text that begins as a program does: with the primitives, up to their end.</summary>
    internal EmulatedProgram(string name, string source, IReadOnlyList<string> definitions)
    {
        _name = name;
        _library = NativeLibrary.Load(Compile(Adapt(source), Flags(definitions)));
    }

    internal static EmulatedProgram Of(KernelProgram program) =>
        s_programs.GetOrAdd(program, p => new Lazy<EmulatedProgram>(() => new EmulatedProgram(p.ToString(), p.Source(), p.Definitions))).Value;

    internal nint Entry(string name) => NativeLibrary.TryGetExport(_library, "emu_entry_" + name, out nint address)
        ? address
        : throw new ArgumentException($"there is no kernel '{name}' in {_name}", nameof(name));

    /// <summary>Text that g++ takes: other primitives, shared memory from the emulator, and a caller for each kernel.</summary>
    internal static string Adapt(string source)
    {
        int end = source.IndexOf(EndOfPrimitives, StringComparison.Ordinal);
        if (end < 0) throw new ArgumentException($"the text has no line '{EndOfPrimitives}': common.cu must come first", nameof(source));
        int line = source.AsSpan(0, end).Count('\n'); // counted from the #line directive, which is a line itself
        string kernels = source[(source.IndexOf('\n', end) + 1)..];
        kernels = DynamicShared().Replace(kernels, "$1* const $2 = ($1*)emu::Dynamic();");
        kernels = StaticShared().Replace(kernels, m => Variables(m.Groups[1].Value, m.Groups[2].Value));
        var text = new StringBuilder();
        foreach (string file in (string[])["language.h", "fibers.h", "primitives.h"])
            text.Append("#line 1 \"").Append(file).Append("\"\n").Append(Resource(file));
        text.Append("#line ").Append(line + 1).Append(" \"common.cu\"\n").Append(kernels).Append('\n');
        foreach (Match m in EntryPoint().Matches(kernels))
            text.Append("EMU_ENTRY(").Append(m.Groups[1].Value).Append(", ").Append(m.Groups[2].Value).Append(")\n");
        return text.ToString();
    }

    // "float a[4][8], b" becomes a reference into the block's memory for each of the two.
    private static string Variables(string type, string declarators)
    {
        var text = new StringBuilder();
        foreach (string declarator in declarators.Split(','))
        {
            string name = Identifier().Match(declarator).Value;
            string dimensions = declarator.Trim()[name.Length..];
            text.Append("using emu_").Append(name).Append(" = ").Append(type).Append(dimensions).Append("; emu_").Append(name)
                .Append("& ").Append(name).Append(" = emu::Fixed<__COUNTER__, emu_").Append(name).Append(">(); ");
        }

        return text.ToString();
    }

    // Products and sums may be fused, as the device's compiler does. The vector accesses of the text alias freely.
    private static string[] Flags(IReadOnlyList<string> definitions) =>
    [
        "-O1", "-std=c++17", "-w", "-fPIC", "-fno-strict-aliasing", "-fno-gnu-unique", "-fno-exceptions", "-fno-threadsafe-statics", "-fvisibility=hidden",
        "-fcf-protection=none", "-fsanitize=alignment,null,bounds", .. Fma.IsSupported && Avx2.IsSupported ? ["-mfma", "-mavx2"] : (string[])[],
        .. definitions.Select(d => "-D" + d),
    ];

    // Library and text get their names by a rename, so that processes that compile the same text do not meet.
    private static string Compile(string text, string[] flags)
    {
        string folder = Folder();
        Directory.CreateDirectory(folder);
        string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join(' ', flags) + "\n" + text)))[..24];
        string library = Path.Combine(folder, hash + ".so");
        if (File.Exists(library)) return library;
        string own = Path.Combine(folder, $"{hash}.{Environment.ProcessId}");
        File.WriteAllText(own + ".cpp", text);
        // In two steps: linking under -fsanitize would ask for the sanitizer's library, whose handlers the text itself has.
        Compiler([.. flags, "-c", own + ".cpp", "-o", own + ".o"]);
        Compiler(["-shared", own + ".o", "-o", own + ".so"]);
        File.Delete(own + ".cpp");
        File.Delete(own + ".o");
        File.Move(own + ".so", library, overwrite: true);
        return library;
    }

    private static void Compiler(string[] arguments)
    {
        var start = new ProcessStartInfo("g++") { RedirectStandardError = true };
        foreach (string a in arguments) start.ArgumentList.Add(a);
        using Process process = Process.Start(start)!;
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException("g++ " + string.Join(' ', arguments) + "\n" + errors);
    }

    // The build's output folder where there is one, so that cleaning takes the libraries too.
    private static string Folder()
    {
        DirectoryInfo? d = new(AppContext.BaseDirectory);
        while (d is not null && d.Name != "artifacts") d = d.Parent;
        return d is null ? Path.Combine(AppContext.BaseDirectory, "emulator") : Path.Combine(d.FullName, "emulator");
    }

    private static string Resource(string file)
    {
        using Stream stream = typeof(EmulatedProgram).Assembly.GetManifestResourceStream("GenoSeq.Emulator." + file)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    [GeneratedRegex(@"\bextern\s+__shared__\s+(?:__align__\(\d+\)\s+)?([\w ]+?)\s*\b(\w+)\s*\[\s*\]\s*;")]
    private static partial Regex DynamicShared();

    [GeneratedRegex(@"\b__shared__\s+(?:__align__\(\d+\)\s+)?((?:unsigned |const |volatile )*\w+)\s+([^;]+);")]
    private static partial Regex StaticShared();

    [GeneratedRegex(@"\b(\w+)\s*\(\s*const\s+__grid_constant__\s+(\w+)\s+\w+\s*\)")]
    private static partial Regex EntryPoint();

    [GeneratedRegex(@"\w+")]
    private static partial Regex Identifier();
}
