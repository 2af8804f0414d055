using System.Globalization;
using GenoSeq.Training.Evaluation.Metrics.Plots;

namespace GenoSeq.Training.Studies.Report;

/// <summary>Style sheets and the script of the pages. Nothing is fetched: fonts are the reader's own.</summary>
internal static class StudyStyle
{
    /// <summary>Of charts, alone or in a page.</summary>
    internal static readonly string Chart =
        ".chart text{font:15px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#222}.chart .name{font-weight:600}.chart .paper{fill:#fff}"
        + ".chart .gr{stroke:#e2e2e2}.chart .ax{stroke:#555;fill:none}.chart .ln{fill:none;stroke-width:2.4;stroke-linejoin:round}.chart .wh{fill:none;stroke-width:1.6}"
        + ".chart .band{stroke:none;opacity:.17}.chart .pt{stroke:none}.chart .ink{stroke:#222;stroke-width:2;fill:none}.chart .dot{fill:#222}"
        + ".chart .want{fill:#cdebd8}.chart .bound{stroke:#1d7a46;stroke-width:2;stroke-dasharray:4 3}"
        + Series(ChartPalette.Colours)
        + "@media screen and (prefers-color-scheme:dark){.chart text{fill:#e4e4e4}.chart .paper{fill:#16191d}.chart .gr{stroke:#363b42}.chart .ax{stroke:#a0a6ad}"
        + ".chart .ink{stroke:#f0f0f0}.chart .dot{fill:#f0f0f0}.chart .want{fill:#1d4a33}.chart .bound{stroke:#5fd394}" + Series(ChartPalette.OnDark) + "}";

    /// <summary>Of pages.</summary>
    internal static readonly string Page =
        """
        :root{--ink:#1b1b1b;--soft:#555;--paper:#fff;--box:#f6f7f8;--rule:#d5d8dc;--link:#0b5cad;--best:#dcf1e3;--tie:#eef6f0;
        --good:#17693a;--bad:#b3261e;--open:#7a5200;--none:#555;color-scheme:light dark}
        @media screen and (prefers-color-scheme:dark){:root{--ink:#e6e6e6;--soft:#aab0b7;--paper:#16191d;--box:#1f2328;--rule:#3a4048;--link:#7ab8ff;
        --best:#1d4a33;--tie:#1e3529;--good:#6fdc9f;--bad:#ff9a8f;--open:#f2c063;--none:#b4bac1}}
        *{box-sizing:border-box}
        html{-webkit-text-size-adjust:100%}
        body{font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;color:var(--ink);background:var(--paper);max-width:76rem;margin:0 auto;padding:1rem 1.25rem 3rem;overflow-wrap:break-word}
        h1{font-size:1.75rem;line-height:1.2;margin:.5rem 0}h2{font-size:1.35rem;margin:2.2rem 0 .6rem;padding-top:.6rem;border-top:1px solid var(--rule)}h3{font-size:1.05rem;margin:.2rem 0 .4rem;line-height:1.35}
        p{margin:.4rem 0;max-width:70ch}a{color:var(--link)}.soft{color:var(--soft)}.lead{font-size:1.1rem}
        nav ul{display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;list-style:none;padding:0;margin:.8rem 0}
        .cards,.plots{display:grid;gap:1rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,27rem),1fr))}
        .card{border:1px solid var(--rule);border-left:6px solid var(--edge);border-radius:6px;padding:.8rem 1rem;background:var(--box);min-width:0}
        .card .chart{display:block;width:100%;max-width:24rem;margin:.4rem 0}
        .badge{display:inline-block;font-weight:700;color:var(--edge);border:2px solid var(--edge);border-radius:1rem;padding:0 .7rem;margin-bottom:.3rem;background:var(--paper)}
        .supported{--edge:var(--good)}.contradicted{--edge:var(--bad)}.undecided{--edge:var(--open)}.one_seed,.not_tested,.not_measured{--edge:var(--none)}
        blockquote{margin:.4rem 0;padding-left:.8rem;border-left:3px solid var(--rule)}blockquote footer{color:var(--soft)}
        figure{margin:0;min-width:0;border:1px solid var(--rule);border-radius:6px;padding:.8rem .8rem .5rem}figure>.chart{display:block;width:100%;max-width:40rem;margin:auto}
        .legend{display:flex;flex-wrap:wrap;gap:.15rem 1.1rem;list-style:none;padding:0;margin:.3rem 0}.legend li{display:flex;align-items:center;gap:.4rem;min-width:0}
        .legend button{font:inherit;color:inherit;background:none;border:0;padding:.25rem 0;display:flex;align-items:center;gap:.4rem;cursor:pointer;text-align:left}
        .legend button[aria-pressed=false]{opacity:.4;text-decoration:line-through}.key{width:34px;height:16px;flex:none}.off{display:none}
        .scroll{overflow-x:auto;margin:.6rem 0 1.2rem}
        .scroll:focus-visible{outline:2px solid var(--link)}
        table{border-collapse:collapse;font-variant-numeric:tabular-nums}.above{margin-bottom:0}.above+.scroll{margin-top:.2rem}
        th,td{padding:.35rem .7rem;border-bottom:1px solid var(--rule);text-align:right;vertical-align:top}thead th{vertical-align:bottom;border-bottom:2px solid var(--soft)}
        .num td{white-space:nowrap}th[scope=row],tr:first-child>th:first-child,.txt th,.txt td{text-align:left}th[scope=row]{font-weight:600;background:var(--paper);position:sticky;left:0;max-width:46vw}
        th[scope=colgroup]{text-align:center}th small{display:block;font-weight:400;color:var(--soft);font-size:.875rem}.best{font-weight:700;background:var(--best)}.tie{background:var(--tie)}
        .txt td{min-width:6.5rem}.txt td:last-child{min-width:13rem}.txt .badge{white-space:nowrap}dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.2rem 1rem}dt{font-weight:600}dd{margin:0}li{margin:.2rem 0}
        @media(max-width:40rem){body{padding:.75rem .75rem 2rem}h1{font-size:1.5rem}figure{padding:.6rem .3rem .4rem}figcaption,.legend,figure>p{padding:0 .4rem}dl{grid-template-columns:1fr}dt{margin-top:.4rem}th,td{padding:.35rem .5rem}}
        @media print{@page{margin:14mm}:root{--ink:#000;--soft:#333;--paper:#fff;--box:#fff;color-scheme:light}body{font-size:11pt;max-width:none;padding:0}nav{display:none}a{color:#000}
        .cards,.plots{display:block}.card,figure{break-inside:avoid;margin:0 0 5mm;max-width:none}figure>.chart{max-width:130mm}.scroll{overflow:visible;break-inside:avoid}
        table{font-size:9.5pt;max-width:100%}th,td{padding:1mm 1.6mm}.num td{white-space:normal}th[scope=row]{position:static;max-width:none}tr,p{break-inside:avoid}thead{display:table-header-group}
        h2,h3,h2+p,.above{break-after:avoid}.best,.tie,.card,.badge,.chart{-webkit-print-color-adjust:exact;print-color-adjust:exact}.legend button[aria-pressed=false]{opacity:1;text-decoration:none}.off{display:inline}}

        """.Replace("\n", "", StringComparison.Ordinal);

    /// <summary>Legends become switches of their lines; without scripts they are plain legends.</summary>
    internal const string Script =
        "document.querySelectorAll('.legend li').forEach(function(li){var b=document.createElement('button');b.type='button';b.setAttribute('aria-pressed','true');"
        + "while(li.firstChild)b.appendChild(li.firstChild);li.appendChild(b);b.addEventListener('click',function(){var on=b.getAttribute('aria-pressed')==='false';"
        + "b.setAttribute('aria-pressed',String(on));var g=li.closest('figure').querySelector('g[data-s=\"'+li.dataset.s+'\"]');if(g)g.classList.toggle('off',!on)})})";

    private static string Series(IReadOnlyList<string> colours) =>
        string.Concat(colours.Select((c, i) => string.Create(CultureInfo.InvariantCulture, $".chart .s{i}{{stroke:{c};fill:{c}}}")));
}
