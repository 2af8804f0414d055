namespace GenoSeq.Training.Distributed;

/// <summary>The ranks cannot meet, since rank 0 does not get its port, or somebody else has it.</summary>
public sealed class MasterPortException : Exception
{
    /// <summary>Composes the message.</summary>
    /// <param name="what">What is wrong.</param>
    /// <param name="address">Host and port.</param>
    /// <param name="port">The port.</param>
    public MasterPortException(string what, string address, int port)
        : base($"{address}: {what}")
    {
        What = what;
        Where = address;
        Try = FormattableString.Invariant($"another port (MASTER_PORT, or --master), or end what listens there: ss -ltnp 'sport = :{port}'");
    }

    /// <summary>What is wrong.</summary>
    public string What { get; }

    /// <summary>Host and port.</summary>
    public string Where { get; }

    /// <summary>What the user can do about it.</summary>
    public string Try { get; }
}
