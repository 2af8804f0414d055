using System.Globalization;
using System.Net;
using System.Text;

namespace GenoSeq.Data;

/// <summary>Writes the few SVG elements that the plots need. Numbers have two decimals, so that files stay small.</summary>
public sealed class SvgText
{
    private readonly StringBuilder _text = new();

    /// <summary>Begins a document with a title and a description that screen readers speak.</summary>
    public SvgText(int width, int height, string title, string description)
    {
        _text.Append(CultureInfo.InvariantCulture, $"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-labelledby="title desc" font-family="sans-serif" font-size="12" fill="#222">
            <title id="title">{Escape(title)}</title>
            <desc id="desc">{Escape(description)}</desc>
            <rect width="{width}" height="{height}" fill="#fff"/>

            """);
        Text(width / 2.0, 22, title, "middle", "font-size=\"15\" font-weight=\"bold\"");
    }

    private SvgText()
    {
    }

    /// <summary>
    /// Begins an element that fills the width of its place, for a page of HTML or for a file with a style sheet in it: spoken title and
    /// description, no background, and no style but that of classes below <c>chart</c>.
    /// </summary>
    /// <param name="width">Width of the drawing's own coordinates.</param>
    /// <param name="height">Height of the drawing's own coordinates.</param>
    /// <param name="id">Begins the names of elements; unique in the page.</param>
    /// <param name="title">Spoken title.</param>
    /// <param name="description">Spoken description.</param>
    /// <param name="css">Style sheet of a file; empty: the page has it.</param>
    public static SvgText Scaled(int width, int height, string id, string title, string description, string css = "")
    {
        var svg = new SvgText();
        string size = css.Length > 0 ? string.Create(CultureInfo.InvariantCulture, $" width=\"{width}\" height=\"{height}\"") : "";
        svg._text.Append(CultureInfo.InvariantCulture,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" viewBox=\"0 0 {width} {height}\"{size} role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\n")
            .Append(CultureInfo.InvariantCulture, $"<title id=\"{id}-t\">{Escape(title)}</title>\n<desc id=\"{id}-d\">{Escape(description)}</desc>\n");
        if (css.Length > 0)
        {
            svg._text.Append("<style>").Append(css).Append("</style>\n");
            svg.Rectangle(0, 0, width, height, "class=\"paper\"");
        }

        return svg;
    }

    /// <summary>Begins an element that screen readers pass over.</summary>
    public static SvgText Decoration(int width, int height, string styleClass)
    {
        var svg = new SvgText();
        svg._text.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"{styleClass}\" viewBox=\"0 0 {width} {height}\" aria-hidden=\"true\">\n");
        return svg;
    }

    /// <summary>Begins a group; <see cref="EndGroup"/> ends it.</summary>
    public void Group(string style) => _text.Append("<g ").Append(style).Append(">\n");

    /// <summary>Ends a group.</summary>
    public void EndGroup() => _text.Append("</g>\n");

    /// <summary>A filled path with words for the pointer.</summary>
    public void Shape(string data, string style, string title) =>
        _text.Append("<path d=\"").Append(data).Append("\" ").Append(style).Append("><title>").Append(Escape(title)).Append("</title></path>\n");

    /// <summary>A number with at most two decimals.</summary>
    public static string Number(double value) => Math.Round(value, 2).ToString("0.##", CultureInfo.InvariantCulture);

    /// <summary>A line.</summary>
    public void Line(double x1, double y1, double x2, double y2, string style) => _text.Append(CultureInfo.InvariantCulture,
        $"<line x1=\"{Number(x1)}\" y1=\"{Number(y1)}\" x2=\"{Number(x2)}\" y2=\"{Number(y2)}\" {style}/>\n");

    /// <summary>A rectangle.</summary>
    public void Rectangle(double x, double y, double width, double height, string style) => _text.Append(CultureInfo.InvariantCulture,
        $"<rect x=\"{Number(x)}\" y=\"{Number(y)}\" width=\"{Number(width)}\" height=\"{Number(height)}\" {style}/>\n");

    /// <summary>A circle.</summary>
    public void Circle(double x, double y, double radius, string style) =>
        _text.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{Number(x)}\" cy=\"{Number(y)}\" r=\"{Number(radius)}\" {style}/>\n");

    /// <summary>A path without filling.</summary>
    public void Path(string data, string style) =>
        _text.Append(CultureInfo.InvariantCulture, $"<path d=\"{data}\" fill=\"none\" {style}/>\n");

    /// <summary>A text.</summary>
    public void Text(double x, double y, string text, string anchor, string style = "") => _text.Append(CultureInfo.InvariantCulture,
        $"<text x=\"{Number(x)}\" y=\"{Number(y)}\" text-anchor=\"{anchor}\" {style}>{Escape(text)}</text>\n");

    /// <summary>A text that reads upwards around a point.</summary>
    public void Upwards(double x, double y, string text) =>
        Text(x, y, text, "middle", $"transform=\"rotate(-90 {Number(x)} {Number(y)})\"");

    /// <summary>The whole document.</summary>
    public string End() => _text + "</svg>\n";

    /// <summary>Text for elements and quoted attributes of XML and HTML; what XML 1.0 does not allow even escaped is left out.</summary>
    public static string Escape(string text) => WebUtility.HtmlEncode(string.Concat(text.Where(System.Xml.XmlConvert.IsXmlChar)));
}
