namespace GenoSeq.Data;

/// <summary>What an entry of the ALT column says.</summary>
public enum VcfAlleleKind
{
    /// <summary>Bases that stand in place of REF.</summary>
    Bases,

    /// <summary><c>.</c>: no variant was seen here.</summary>
    Missing,

    /// <summary><c>*</c>: the bases are gone because of a deletion that begins earlier.</summary>
    Overlap,

    /// <summary>A symbol such as <c>&lt;DEL&gt;</c>, <c>&lt;INS:ME&gt;</c> or <c>&lt;*&gt;</c>.</summary>
    Symbolic,

    /// <summary>A breakend: two places joined (<c>G]17:198982]</c>), or one end open (<c>G.</c>, <c>.G</c>).</summary>
    Breakend,
}
