using System.Globalization;
using Img2Pose.Geometry;

namespace Img2Pose.Pipeline;

/// <summary>A face that a table names.</summary>
/// <param name="Line">Its line, from 1.</param>
/// <param name="Key">What the table calls it, or null.</param>
/// <param name="File">The picture, as written.</param>
/// <param name="Box">Where it is; pixels of the displayed picture, r and b exclusive.</param>
public sealed record ListedFace(int Line, string? Key, string File, Box Box);

/// <summary>
/// Faces of pictures, listed by the user in a CSV file (RFC 4180): <c>file,l,t,r,b</c>, or Face-Pose-Net's
/// <c>ID,FILE,FACE_X,FACE_Y,FACE_WIDTH,FACE_HEIGHT</c>, whose columns may stand in any order among others. A row that makes no
/// sense is left out and told; the rest counts.
/// </summary>
public sealed class FaceTable
{
    private const long LargestFile = 256L << 20;

    // Coordinates beyond this belong to no picture that is read here.
    private const double Farthest = 1_000_000;

    private static readonly string[] s_originalColumns = ["ID", "FILE", "FACE_X", "FACE_Y", "FACE_WIDTH", "FACE_HEIGHT"];

    private FaceTable(string path, bool isOriginal, IReadOnlyList<ListedFace> faces, IReadOnlyList<string> errors) =>
        (Path, IsOriginal, Faces, Errors) = (path, isOriginal, faces, errors);

    /// <summary>The file that they came from.</summary>
    public string Path { get; }

    /// <summary>Whether its header is Face-Pose-Net's, so that its faces have keys.</summary>
    public bool IsOriginal { get; }

    /// <summary>The faces, in the order of the rows.</summary>
    public IReadOnlyList<ListedFace> Faces { get; }

    /// <summary>What was wrong with the rows that are left out; each names file and line.</summary>
    public IReadOnlyList<string> Errors { get; }

    /// <summary>Whether a file begins with Face-Pose-Net's header.</summary>
    public static bool IsOriginalTable(string path)
    {
        if (!path.EndsWith(".csv", StringComparison.OrdinalIgnoreCase) || !System.IO.File.Exists(path)) return false;
        try
        {
            using StreamReader reader = new(path);
            char[] start = new char[4096];
            string text = new(start, 0, reader.ReadBlock(start));
            return CsvReader.Read(text).FirstOrDefault().Cells is { } header && IsOriginalHeader(header);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or FormatException)
        {
            // Who opens it reports it.
            return false;
        }
    }

    /// <summary>Reads a table.</summary>
    /// <exception cref="InputException">It cannot be read, is too large, or its header is of neither form.</exception>
    public static FaceTable Load(string path)
    {
        string text;
        try
        {
            if (new FileInfo(path).Length > LargestFile) throw new InputException($"{path}: above the limit of {LargestFile >> 20} MiB for a table of faces.");
            text = System.IO.File.ReadAllText(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: the faces cannot be read ({error.Message.TrimEnd('.')}).", error);
        }
        return Parse(path, text);
    }

    /// <summary>Reads a table's text.</summary>
    internal static FaceTable Parse(string path, string text)
    {
        List<ListedFace> faces = [];
        List<string> errors = [];
        Func<int, List<string>, ListedFace>? read = null;
        bool original = false;
        try
        {
            foreach ((int line, List<string> cells) in CsvReader.Read(text))
            {
                if (read is null)
                {
                    original = IsOriginalHeader(cells);
                    read = original ? ReaderOfOriginal(path, cells)
                        : Names(cells) is ["file", "l", "t", "r", "b"] ? (number, row) => ReadOwn(path, number, row)
                        : throw new InputException($"{path}:{line}: the header must be file,l,t,r,b or {string.Join(',', s_originalColumns)}, not '{string.Join(',', cells).Trim()}'.");
                    continue;
                }
                try
                {
                    faces.Add(read(line, cells));
                }
                catch (InputException error)
                {
                    errors.Add(error.Message);
                }
            }
        }
        catch (FormatException error)
        {
            throw new InputException($"{path}:{error.Message}.", error);
        }
        if (read is null) throw new InputException($"{path} is empty; it needs a header line: file,l,t,r,b or {string.Join(',', s_originalColumns)}.");
        return new FaceTable(path, original, faces, errors);
    }

    private static bool IsOriginalHeader(List<string> cells) => Array.TrueForAll(s_originalColumns, Names(cells).Contains);

    private static string[] Names(List<string> cells) => [.. cells.Select(cell => cell.Trim().TrimStart('\uFEFF'))];

    private static Func<int, List<string>, ListedFace> ReaderOfOriginal(string path, List<string> header)
    {
        string[] names = Names(header);
        int[] at = Array.ConvertAll(s_originalColumns, name => Array.IndexOf(names, name));
        return (line, cells) =>
        {
            if (cells.Count != names.Length) throw new InputException($"{path}:{line}: {cells.Count} values, and the header has {names.Length} columns.");
            string key = cells[at[0]].Trim(), file = cells[at[1]].Trim();
            if (key.Length == 0) throw new InputException($"{path}:{line}: the ID is empty.");
            double x = Number(path, line, cells[at[2]]), y = Number(path, line, cells[at[3]]);
            double width = Number(path, line, cells[at[4]]), height = Number(path, line, cells[at[5]]);
            return new ListedFace(line, key, File(path, line, file), NotEmpty(path, line, new Box(x, y, x + width, y + height)));
        };
    }

    private static ListedFace ReadOwn(string path, int line, List<string> cells)
    {
        // An unquoted name may hold commas, so the four numbers are counted from the right.
        int extra = cells.Count - 5;
        if (extra < 0) throw new InputException($"{path}:{line}: five values are needed (file,l,t,r,b), not '{string.Join(',', cells).Trim()}'.");
        Box box = new(
            Number(path, line, cells[extra + 1]), Number(path, line, cells[extra + 2]), Number(path, line, cells[extra + 3]), Number(path, line, cells[extra + 4]));
        return new ListedFace(line, null, File(path, line, string.Join(',', cells.Take(extra + 1)).Trim()), NotEmpty(path, line, box));
    }

    private static string File(string path, int line, string file) =>
        file.Length > 0 && !file.Contains('\0') ? file : throw new InputException($"{path}:{line}: the name of the file is empty.");

    private static Box NotEmpty(string path, int line, Box box) =>
        !box.IsEmpty ? box : throw new InputException($"{path}:{line}: the box has no area; its width and height must be above 0.");

    private static double Number(string path, int line, string cell)
    {
        if (!double.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) || !double.IsFinite(number))
            throw new InputException($"{path}:{line}: '{cell.Trim()}' is not a number.");
        return Math.Abs(number) <= Farthest ? number : throw new InputException($"{path}:{line}: {cell.Trim()} lies outside of every picture.");
    }
}
