using System.Globalization;
using System.Runtime.InteropServices;
using Img2Pose.Geometry;

namespace Img2Pose.Pipeline;

/// <summary>
/// Face boxes given by the user, by frame number or picture file: a CSV file (RFC 4180) with a header line, then
/// <c>frame,l,t,r,b</c> (video) or <c>file,l,t,r,b</c> (pictures), or a table that <see cref="PoseTableWriter"/> wrote; pixels
/// of the displayed picture, r and b exclusive. Frames are numbered as in the source, from 0, wherever a run starts.
/// Loaded once, thread-safe.
/// </summary>
public sealed class BoxTable
{
    private const long LargestFile = 256L << 20;

    /// <summary>Coordinates beyond this, pixels, belong to no picture that is read here.</summary>
    private const double Farthest = 1_000_000;

    /// <summary>Rows that match nothing and are named; of the others the number is told.</summary>
    private const int MostNamed = 5;

    private static readonly List<Box> s_none = [];

    private readonly Dictionary<string, Entry> _byFile = new(StringComparer.Ordinal);
    private readonly Dictionary<long, Entry> _byFrame = [];

    private BoxTable(string path) => Path = path;

    /// <summary>The file that they came from.</summary>
    public string Path { get; }

    /// <summary>Boxes in the file.</summary>
    public int Count => _byFile.Values.Concat(_byFrame.Values).Sum(entry => entry.Boxes.Count);

    /// <summary>Reads a file.</summary>
    /// <exception cref="InputException">It cannot be read, or a line is wrong; the message names the line.</exception>
    public static BoxTable Load(string path)
    {
        string text;
        try
        {
            if (new FileInfo(path).Length > LargestFile) throw new InputException($"{path}: above the limit of {LargestFile >> 20} MiB for a table of boxes.");
            text = File.ReadAllText(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: the boxes cannot be read ({error.Message.TrimEnd('.')}).", error);
        }
        BoxTable table = new(path);
        Columns? columns = null;
        try
        {
            foreach ((int line, List<string> cells) in CsvReader.Read(text))
            {
                if (columns is null) columns = Columns.Of(path, line, cells);
                else table.Add(columns, line, cells);
            }
        }
        catch (FormatException error)
        {
            throw new InputException($"{path}:{error.Message}.", error);
        }
        return columns is not null ? table : throw new InputException($"{path} is empty; it needs a header line: frame,l,t,r,b or file,l,t,r,b.");
    }

    /// <summary>The boxes of a frame; empty where there are none.</summary>
    /// <param name="index">Number of the frame in the source.</param>
    /// <param name="file">Name of its file where the source is a set of pictures; its folder does not count.</param>
    public ReadOnlySpan<Box> For(long index, string? file) => CollectionsMarshal.AsSpan(ListFor(index, file));

    /// <summary>As <see cref="For"/>; the list is the table's own.</summary>
    internal List<Box> ListFor(long index, string? file)
    {
        Entry? entry = null;
        if (file is not null) _byFile.TryGetValue(System.IO.Path.GetFileName(file), out entry);
        if (entry is null && !_byFrame.TryGetValue(index, out entry)) return s_none;
        entry.Used = true;
        return entry.Boxes;
    }

    /// <summary>Names what no frame has asked for, in one line; null where every row was used.</summary>
    public string? DescribeUnused()
    {
        string[] unused =
        [
            .. _byFile.Where(pair => !pair.Value.Used).Select(pair => $"'{pair.Key}'"),
            .. _byFrame.Where(pair => !pair.Value.Used).Select(pair => string.Create(CultureInfo.InvariantCulture, $"frame {pair.Key}")),
        ];
        if (unused.Length == 0) return null;
        string more = unused.Length > MostNamed ? string.Create(CultureInfo.InvariantCulture, $" and {unused.Length - MostNamed} more") : "";
        return $"{Path}: the source has no {string.Join(", ", unused.Take(MostNamed))}{more}; these rows were not used.";
    }

    private void Add(Columns columns, int line, List<string> cells)
    {
        // In a table by file an unquoted name may hold commas, so the four numbers are counted from the right.
        int extra = columns.NameMayHoldCommas ? cells.Count - columns.Count : 0;
        if (extra < 0 || cells.Count - extra != columns.Count)
            throw new InputException($"{Path}:{line}: {columns.Expected}, not '{string.Join(',', cells).Trim()}'.");
        Span<double> numbers = stackalloc double[4];
        for (int i = 0; i < 4; i++)
        {
            string cell = cells[columns.Left + extra + i];
            if (!double.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out numbers[i]) || !double.IsFinite(numbers[i]))
                throw new InputException($"{Path}:{line}: '{cell.Trim()}' is not a number.");
            if (Math.Abs(numbers[i]) > Farthest) throw new InputException($"{Path}:{line}: {cell.Trim()} lies outside of every picture.");
        }
        Box box = new(numbers[0], numbers[1], numbers[2], numbers[3]);
        if (box.IsEmpty) throw new InputException($"{Path}:{line}: the box has no area; r must exceed l, and b must exceed t.");
        string file = columns.File < 0 ? "" : System.IO.Path.GetFileName(string.Join(',', cells.Skip(columns.File).Take(extra + 1)).Trim());
        if (file.Length > 0)
        {
            EntryOf(_byFile, file).Boxes.Add(box);
            return;
        }
        string number = columns.Frame < 0 ? "" : cells[columns.Frame].Trim();
        if (!long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out long frame))
            throw new InputException(columns.Frame < 0 ? $"{Path}:{line}: the name of the file is empty." : $"{Path}:{line}: '{number}' is not a frame number.");
        EntryOf(_byFrame, frame).Boxes.Add(box);
    }

    private static Entry EntryOf<TKey>(Dictionary<TKey, Entry> entries, TKey key) where TKey : notnull
    {
        if (!entries.TryGetValue(key, out Entry? entry)) entries.Add(key, entry = new Entry());
        return entry;
    }

    private sealed class Entry
    {
        public List<Box> Boxes { get; } = [];

        public bool Used { get; set; }
    }

    /// <summary>Where a header puts the cells; −1 for what it has not.</summary>
    private sealed record Columns(int Count, int File, int Frame, int Left, bool NameMayHoldCommas, string Expected)
    {
        public static Columns Of(string path, int line, List<string> header)
        {
            string[] names = [.. header.Select(cell => cell.Trim().TrimStart('\uFEFF'))];
            return names switch
            {
                ["file", "l", "t", "r", "b"] => new Columns(5, 0, -1, 1, true, "five values are needed (file,l,t,r,b)"),
                ["frame", "l", "t", "r", "b"] => new Columns(5, -1, 0, 1, false, "five values are needed (frame,l,t,r,b)"),
                // What this program writes: by file for pictures, by frame where the source is empty.
                ["source", "frame", _, _, _, _, "left", "top", "right", "bottom", ..] =>
                    new Columns(names.Length, 0, 1, 6, false, $"{names.Length} values are needed, as in the header"),
                _ => throw new InputException(
                    $"{path}:{line}: the header must be frame,l,t,r,b or file,l,t,r,b, or that of a table of this program, not '{string.Join(',', header).Trim()}'."),
            };
        }
    }
}
