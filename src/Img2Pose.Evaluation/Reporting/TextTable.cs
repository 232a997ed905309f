using System.Text;

namespace Img2Pose.Evaluation.Reporting;

/// <summary>Columns of text for a terminal: the first aligned left, the others right.</summary>
internal sealed class TextTable(params string[] header)
{
    private readonly List<string[]> _rows = [header];

    public void Add(params string[] cells)
    {
        if (cells.Length != header.Length) throw new ArgumentException($"A row of {header.Length} cells was expected.", nameof(cells));
        _rows.Add(cells);
    }

    public override string ToString()
    {
        int[] widths = [.. Enumerable.Range(0, header.Length).Select(c => _rows.Max(row => row[c].Length))];
        StringBuilder text = new();
        for (int r = 0; r < _rows.Count; r++)
        {
            StringBuilder line = new();
            for (int c = 0; c < widths.Length; c++)
            {
                string cell = _rows[r][c];
                line.Append(c == 0 ? cell.PadRight(widths[c]) : cell.PadLeft(widths[c] + 2));
            }
            text.Append(line.ToString().TrimEnd()).Append('\n');
            if (r == 0) text.Append('-', widths.Sum() + 2 * (widths.Length - 1)).Append('\n');
        }
        return text.ToString();
    }
}
