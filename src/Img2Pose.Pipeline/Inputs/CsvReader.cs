using System.Text;

namespace Img2Pose.Pipeline;

/// <summary>
/// Comma-separated values after RFC 4180: a cell in quotes may hold commas, line breaks and doubled quotes. Lines end in
/// CR LF or LF. What is not in the standard is taken as it stands: a quote inside an unquoted cell, blanks around cells.
/// </summary>
internal static class CsvReader
{
    /// <summary>The records of a text, each with the line that it begins on, from 1. Empty lines are no records.</summary>
    /// <param name="text">The whole text.</param>
    /// <exception cref="FormatException">A quoted cell does not end; the message says where it begins.</exception>
    public static IEnumerable<(int Line, List<string> Cells)> Read(string text)
    {
        int position = 0, line = 1;
        while (position < text.Length)
        {
            int first = line;
            List<string> cells = [];
            do cells.Add(ReadCell(text, ref position, ref line));
            while (position < text.Length && text[position] == ',' && ++position >= 0);
            // Now at a line break or the end.
            if (position < text.Length && text[position] == '\r') position++;
            if (position < text.Length && text[position] == '\n') position++;
            line++;
            if (cells is not [{ } only] || !string.IsNullOrWhiteSpace(only)) yield return (first, cells);
        }
    }

    private static string ReadCell(string text, ref int position, ref int line)
    {
        if (position < text.Length && text[position] == '"') return ReadQuoted(text, ref position, ref line);
        int start = position, length = text.AsSpan(start).IndexOfAny(",\r\n");
        position = length < 0 ? text.Length : start + length;
        return text[start..position];
    }

    private static string ReadQuoted(string text, ref int position, ref int line)
    {
        int first = line;
        StringBuilder cell = new();
        while (true)
        {
            int start = ++position, end = text.IndexOf('"', start);
            if (end < 0) throw new FormatException($"{first}: the quote that a cell begins with is never closed");
            cell.Append(text, start, end - start);
            line += text.AsSpan(start, end - start).Count('\n');
            position = end + 1;
            if (position >= text.Length || text[position] != '"') break;
            cell.Append('"');
        }
        // Whatever follows the closing quote up to the comma belongs to nothing; blanks are usual.
        int rest = text.AsSpan(position).IndexOfAny(",\r\n");
        string after = rest < 0 ? text[position..] : text.Substring(position, rest);
        if (!string.IsNullOrWhiteSpace(after)) throw new FormatException($"{line}: '{after.Trim()}' follows a closing quote; a quote inside a quoted cell is doubled");
        position += after.Length;
        return cell.ToString();
    }
}
