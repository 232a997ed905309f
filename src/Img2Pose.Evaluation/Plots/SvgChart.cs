using System.Globalization;
using System.Security;
using System.Text;

namespace Img2Pose.Evaluation.Plots;

/// <summary>One axis: its title, range, ticks and how their labels are written.</summary>
internal sealed record ChartAxis(string Title, double Low, double High, IReadOnlyList<double> Ticks, string Format = "0.##");

/// <summary>
/// A small chart as SVG: lines, bars with intervals, a legend. Text is real text, colours are told apart by people with
/// the common colour-vision deficiencies (Okabe and Ito's palette).
/// </summary>
internal sealed class SvgChart(string title, ChartAxis horizontal, ChartAxis vertical)
{
    private const double Width = 720, Height = 460, Left = 72, Right = 24, Top = 48, Bottom = 64;
    private static readonly string[] s_colors = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"];

    private readonly StringBuilder _marks = new();
    private readonly List<(string Name, string Color)> _legend = [];

    public static string Color(int index) => s_colors[index % s_colors.Length];

    /// <summary>A curve with a legend entry.</summary>
    public void Line(string name, int color, IEnumerable<(double X, double Y)> points)
    {
        string path = string.Join(' ', points.Select(p => $"{N(X(p.X))},{N(Y(p.Y))}"));
        _marks.Append(CultureInfo.InvariantCulture, $"<polyline fill=\"none\" stroke=\"{Color(color)}\" stroke-width=\"2\" stroke-linejoin=\"round\" points=\"{path}\"/>\n");
        _legend.Add((name, Color(color)));
    }

    /// <summary>A bar from zero, with an interval if given.</summary>
    public void Bar(int color, double from, double to, double value, double? low, double? high)
    {
        double top = Y(Math.Min(value, vertical.High));
        _marks.Append(CultureInfo.InvariantCulture, $"<rect x=\"{N(X(from))}\" y=\"{N(top)}\" width=\"{N(X(to) - X(from))}\" height=\"{N(Y(vertical.Low) - top)}\" fill=\"{Color(color)}\"/>\n");
        if (low is not { } l || high is not { } h) return;
        double middle = X((from + to) / 2);
        _marks.Append(CultureInfo.InvariantCulture, $"<path d=\"M{N(middle)} {N(Y(Math.Min(l, vertical.High)))}V{N(Y(Math.Min(h, vertical.High)))}\" stroke=\"#222\" stroke-width=\"1.5\"/>\n");
    }

    /// <summary>A legend entry for bars.</summary>
    public void Legend(string name, int color) => _legend.Add((name, Color(color)));

    /// <summary>A text inside the plot.</summary>
    public void Text(double x, double y, string text) => _marks.Append(CultureInfo.InvariantCulture,
        $"<text x=\"{N(X(x))}\" y=\"{N(Y(y))}\" text-anchor=\"middle\" font-size=\"12\" fill=\"#555\">{Escape(text)}</text>\n");

    public override string ToString()
    {
        StringBuilder svg = new();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" width=\"{Width}\" height=\"{Height}\" font-family=\"sans-serif\" font-size=\"13\">\n");
        svg.Append("<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left}\" y=\"28\" font-size=\"16\" font-weight=\"bold\">{Escape(title)}</text>\n");
        foreach (double tick in vertical.Ticks)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<path d=\"M{Left} {N(Y(tick))}H{Width - Right}\" stroke=\"#ddd\"/>\n");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left - 8}\" y=\"{N(Y(tick) + 4)}\" text-anchor=\"end\">{tick.ToString(vertical.Format, CultureInfo.InvariantCulture)}</text>\n");
        }
        foreach (double tick in horizontal.Ticks)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<path d=\"M{N(X(tick))} {Height - Bottom}v5\" stroke=\"#222\"/>\n");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{N(X(tick))}\" y=\"{Height - Bottom + 20}\" text-anchor=\"middle\">{tick.ToString(horizontal.Format, CultureInfo.InvariantCulture)}</text>\n");
        }
        svg.Append(_marks);
        svg.Append(CultureInfo.InvariantCulture, $"<path d=\"M{Left} {Top}V{Height - Bottom}H{Width - Right}\" fill=\"none\" stroke=\"#222\"/>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{N((Left + Width - Right) / 2)}\" y=\"{Height - 18}\" text-anchor=\"middle\">{Escape(horizontal.Title)}</text>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<text transform=\"translate(22 {N((Top + Height - Bottom) / 2)}) rotate(-90)\" text-anchor=\"middle\">{Escape(vertical.Title)}</text>\n");
        WriteLegend(svg);
        return svg.Append("</svg>\n").ToString();
    }

    private void WriteLegend(StringBuilder svg)
    {
        // One row above the plot, right-aligned; widths by a generous estimate, since SVG cannot measure text.
        double x = Width - Right - _legend.Sum(entry => 30 + 7.2 * entry.Name.Length);
        foreach ((string name, string color) in _legend)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{N(x)}\" y=\"35\" width=\"14\" height=\"6\" fill=\"{color}\"/>\n");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{N(x + 18)}\" y=\"42\" font-size=\"12\">{Escape(name)}</text>\n");
            x += 30 + 7.2 * name.Length;
        }
    }

    private static string Escape(string text) => SecurityElement.Escape(text);

    private static string N(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    private double X(double value) => Left + (value - horizontal.Low) / (horizontal.High - horizontal.Low) * (Width - Left - Right);

    private double Y(double value) => Height - Bottom - (value - vertical.Low) / (vertical.High - vertical.Low) * (Height - Top - Bottom);
}
