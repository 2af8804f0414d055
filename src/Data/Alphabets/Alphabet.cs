using System.Text;

namespace GenoSeq.Data;

/// <summary>Which ids a masked-language-model corruption may put in place of a base.</summary>
public enum ReplaceWith
{
    /// <summary>The four bases, in the case of the base they replace where the alphabet knows case.</summary>
    Bases,

    /// <summary>Every id that is a token, specials included, as the published Caduceus training does.</summary>
    All,
}

/// <summary>
/// A fixed mapping between single bytes and token ids: one byte is one token, always. Immutable and safe to share.
/// </summary>
/// <remarks>
/// The ids of <see cref="Caduceus"/> follow Schiff et al., "Caduceus", ICML 2024 (arXiv 2403.03234) and its published
/// models.
/// </remarks>
public sealed class Alphabet
{
    private readonly int[] _idOfByte;
    private readonly byte[] _byteOfId;
    private readonly int[] _complementMap;
    private readonly bool[] _isTarget;
    private readonly int[] _allIds;
    private readonly int[] _upperBases;
    private readonly int[] _lowerBases;
    private readonly bool[] _isLower;

    internal Alphabet(AlphabetDefinition definition)
    {
        Name = definition.Name;
        Tokens = definition.Tokens;
        TokenCount = definition.TokenCount;
        _idOfByte = definition.IdOfByte;
        _byteOfId = definition.ByteOfId;
        _complementMap = definition.ComplementMap;
        _upperBases = [.. "ACGT"u8.ToArray().Select(b => _idOfByte[b])];
        _lowerBases = [.. "acgt"u8.ToArray().Select(b => _idOfByte[b])];
        _isTarget = new bool[VocabSize];
        _isLower = new bool[VocabSize];
        foreach (int id in _upperBases)
        {
            _isTarget[id] = true;
        }
        foreach (int id in _lowerBases)
        {
            _isTarget[id] = true;
            _isLower[id] = !_upperBases.Contains(id);
        }
        _allIds = [.. Enumerable.Range(0, TokenCount)];
        ClsId = Required("[CLS]", "[BOS]");
        BosId = Required("[BOS]");
        SepId = Required("[SEP]", "[EOS]");
        EosId = Required("[EOS]", "[SEP]");
        MaskId = Required("[MASK]");
        PadId = Required("[PAD]");
        UnkId = Required("[UNK]");
        NId = _idOfByte['N'];
        Ids = ByteTable.Of(b => (byte)_idOfByte[b]);
        OppositeIds = ByteTable.Of(b => (byte)_idOfByte[DnaComplement.Of(b)]);
        Targets = ByteTable.Of(b => IsTarget(_idOfByte[b]) ? byte.MaxValue : (byte)0);
        OppositeTargets = ByteTable.Of(b => IsTarget(_idOfByte[DnaComplement.Of(b)]) ? byte.MaxValue : (byte)0);
    }

    /// <summary>
    /// The 12 tokens of the published Caduceus models, padded to 16: case is dropped, U is T, every ambiguity code is
    /// N.
    /// </summary>
    public static Alphabet Caduceus { get; } = new(AlphabetDefinition.Caduceus());

    /// <summary>
    /// All 256 byte values as ids 0 to 255, then five special tokens, padded to 264. Nothing is lost, case included.
    /// </summary>
    public static Alphabet Bytes { get; } = new(AlphabetDefinition.AllBytes());

    /// <summary>Id of each byte; every byte's id is below 256.</summary>
    internal ByteTable Ids { get; }

    /// <summary>Id of each byte's complement.</summary>
    internal ByteTable OppositeIds { get; }

    /// <summary>0xFF for bytes whose id is a target, else 0.</summary>
    internal ByteTable Targets { get; }

    /// <summary>0xFF for bytes whose complement's id is a target, else 0.</summary>
    internal ByteTable OppositeTargets { get; }

    /// <summary>The alphabets that <see cref="Get"/> knows.</summary>
    public static IReadOnlyList<Alphabet> Known { get; } = [Caduceus, Bytes];

    /// <summary>Short name, as used in configurations.</summary>
    public string Name { get; }

    /// <summary>Rows of the embedding: the tokens padded to a multiple of eight.</summary>
    public int VocabSize => Tokens.Count;

    /// <summary>
    /// Number of tokens that mean something; ids from here to <see cref="VocabSize"/> are padding rows.
    /// </summary>
    public int TokenCount { get; }

    /// <summary>Name of every id, [vocab].</summary>
    public IReadOnlyList<string> Tokens { get; }

    /// <summary>Id of the classification token; the BOS id where the alphabet has none.</summary>
    public int ClsId { get; }

    /// <summary>Id of the beginning-of-sequence token.</summary>
    public int BosId { get; }

    /// <summary>
    /// Id of the separator; the same as <see cref="EosId"/> where the alphabet has only one of the two.
    /// </summary>
    public int SepId { get; }

    /// <summary>Id of the end-of-sequence token.</summary>
    public int EosId { get; }

    /// <summary>Id of the mask token.</summary>
    public int MaskId { get; }

    /// <summary>Id of the padding token.</summary>
    public int PadId { get; }

    /// <summary>Id of bytes that the alphabet does not know.</summary>
    public int UnkId { get; }

    /// <summary>Id of the unknown base N.</summary>
    public int NId { get; }

    /// <summary>
    /// Id of each id's complement, [vocab]; applying it twice gives the same id again. Specials map to themselves.
    /// </summary>
    /// <remarks>
    /// An equivariant model needs a bijection, so in <see cref="Bytes"/> the letter U maps to itself, although as RNA
    /// it would pair with A.
    /// </remarks>
    public ReadOnlySpan<int> ComplementMap => _complementMap;

    /// <summary>The alphabet of this name, without regard to case.</summary>
    /// <exception cref="ArgumentException">There is none; the message names the nearest.</exception>
    public static Alphabet Get(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        foreach (Alphabet alphabet in Known)
        {
            if (string.Equals(alphabet.Name, name, StringComparison.OrdinalIgnoreCase))
            {
                return alphabet;
            }
        }
        string[] names = [.. Known.Select(a => a.Name)];
        string nearest = NearestNames.Find(name, names, 1)[0];
        throw new ArgumentException(
            $"no alphabet is called '{name}'; did you mean '{nearest}'? Known: {string.Join(", ", names)}",
            nameof(name));
    }

    /// <summary>Translates bytes to ids, one for one.</summary>
    /// <param name="bases">[length], ASCII.</param>
    /// <param name="ids">[length] or longer; receives the ids.</param>
    public void Encode(ReadOnlySpan<byte> bases, Span<int> ids)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(ids.Length, bases.Length, nameof(ids));
        ReadOnlySpan<int> table = _idOfByte;
        ids = ids[..bases.Length];
        for (int i = 0; i < bases.Length; i++)
        {
            ids[i] = table[bases[i]];
        }
    }

    /// <summary>The id of one byte.</summary>
    public int Encode(byte value) => _idOfByte[value];

    /// <summary>Translates ids back to bytes; specials and padding rows, which have no byte, become <c>?</c>.</summary>
    /// <param name="ids">[length], each in [0, vocab).</param>
    /// <param name="bases">[length] or longer; receives ASCII.</param>
    public void Decode(ReadOnlySpan<int> ids, Span<byte> bases)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bases.Length, ids.Length, nameof(bases));
        for (int i = 0; i < ids.Length; i++)
        {
            bases[i] = _byteOfId[ids[i]];
        }
    }

    /// <summary>Ids as text: bases as letters, specials by name, as in <c>ACG[MASK]T</c>.</summary>
    public string Decode(ReadOnlySpan<int> ids)
    {
        var text = new StringBuilder(ids.Length);
        foreach (int id in ids)
        {
            text.Append(Tokens[id]);
        }
        return text.ToString();
    }

    /// <summary>
    /// True if a model is asked to predict this id: only A, C, G and T (either case). N and specials never are.
    /// </summary>
    public bool IsTarget(int id) => (uint)id < (uint)_isTarget.Length && _isTarget[id];

    /// <summary>
    /// True if the id stands for a lower-case (soft-masked) base; never in an alphabet that drops case.
    /// </summary>
    public bool IsLowerCase(int id) => _isLower[id];

    /// <summary>The ids that may replace a chosen base.</summary>
    /// <param name="policy">Bases only, or every token.</param>
    /// <param name="id">The base to be replaced; a lower-case base gets lower-case replacements.</param>
    public ReadOnlySpan<int> RandomReplacementIds(ReplaceWith policy, int id) => policy switch
    {
        ReplaceWith.All => _allIds,
        _ => _isLower[id] ? _lowerBases : _upperBases,
    };

    /// <inheritdoc/>
    public override string ToString() => $"{Name} ({TokenCount} tokens, vocabulary {VocabSize})";

    private int Required(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            for (int id = 0; id < Tokens.Count; id++)
            {
                if (Tokens[id] == name)
                {
                    return id;
                }
            }
        }
        throw new InvalidOperationException($"alphabet '{Name}' lacks the token {names[0]}");
    }
}
