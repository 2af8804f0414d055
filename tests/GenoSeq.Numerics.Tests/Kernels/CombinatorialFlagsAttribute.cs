using System.Reflection;
using Xunit.Sdk;

namespace GenoSeq.Numerics.Tests.Kernels;

/// <summary>Every combination of a number of on/off options, as one integer of flags.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class CombinatorialFlagsAttribute(int options) : DataAttribute
{
    public int Options { get; } = options;

    public override IEnumerable<object[]> GetData(MethodInfo testMethod) =>
        Enumerable.Range(0, 1 << Options).Select(flags => new object[] { flags });
}
