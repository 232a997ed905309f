using System.Globalization;
using Img2Pose.Geometry;

namespace Img2Pose.Pipeline;

/// <summary>
/// Face boxes given by the user, by frame number or picture file: a CSV file with a header line, then
/// <c>frame,l,t,r,b</c> (video) or <c>file,l,t,r,b</c> (pictures); pixels of the displayed picture, r and b exclusive.
/// </summary>
public sealed class BoxTable
{
    private readonly Dictionary<string, List<Box>> _boxes = new(StringComparer.Ordinal);
    private readonly bool _byFile;

    private BoxTable(bool byFile) => _byFile = byFile;

    /// <summary>Boxes in the file.</summary>
    public int Count => _boxes.Values.Sum(boxes => boxes.Count);

    /// <summary>Reads a file.</summary>
    /// <exception cref="InputException">It cannot be read, or a line is wrong; the message names the line.</exception>
    public static BoxTable Load(string path)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: the boxes cannot be read ({error.Message.TrimEnd('.')}).", error);
        }
        if (lines.Length == 0) throw new InputException($"{path} is empty; it needs a header line: frame,l,t,r,b or file,l,t,r,b.");
        string[] header = [.. lines[0].TrimStart('\uFEFF').Split(',').Select(cell => cell.Trim())];
        bool byFile = header is ["file", "l", "t", "r", "b"];
        if (!byFile && header is not ["frame", "l", "t", "r", "b"])
            throw new InputException($"{path}:1: the header must be frame,l,t,r,b or file,l,t,r,b, not '{lines[0].Trim()}'.");
        BoxTable table = new(byFile);
        for (int i = 1; i < lines.Length; i++)
        {
            if (!string.IsNullOrWhiteSpace(lines[i])) table.Add(path, i + 1, lines[i]);
        }
        return table;
    }

    /// <summary>The boxes of a frame; empty where there are none.</summary>
    public ReadOnlySpan<Box> For(long index, string? file)
    {
        string? key = _byFile ? Path.GetFileName(file) : index.ToString(CultureInfo.InvariantCulture);
        return key is not null && _boxes.TryGetValue(key, out List<Box>? boxes)
            ? System.Runtime.InteropServices.CollectionsMarshal.AsSpan(boxes)
            : default;
    }

    private void Add(string path, int line, string text)
    {
        // A file name may hold commas, so the four numbers are counted from the right.
        string[] cells = text.Split(',');
        if (cells.Length < 5 || (!_byFile && cells.Length != 5))
            throw new InputException($"{path}:{line}: five values are needed ({(_byFile ? "file" : "frame")},l,t,r,b), not '{text.Trim()}'.");
        Span<double> numbers = stackalloc double[4];
        for (int i = 0; i < 4; i++)
        {
            string cell = cells[cells.Length - 4 + i];
            if (!double.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out numbers[i]) || !double.IsFinite(numbers[i]))
                throw new InputException($"{path}:{line}: '{cell.Trim()}' is not a number.");
        }
        Box box = new(numbers[0], numbers[1], numbers[2], numbers[3]);
        if (box.IsEmpty) throw new InputException($"{path}:{line}: the box has no area; r must exceed l, and b must exceed t.");
        string first = string.Join(',', cells[..^4]).Trim();
        if (_byFile) first = Path.GetFileName(first);
        else if (!long.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out long frame))
            throw new InputException($"{path}:{line}: '{first}' is not a frame number.");
        else first = frame.ToString(CultureInfo.InvariantCulture);
        if (!_boxes.TryGetValue(first, out List<Box>? boxes)) _boxes.Add(first, boxes = []);
        boxes.Add(box);
    }
}
