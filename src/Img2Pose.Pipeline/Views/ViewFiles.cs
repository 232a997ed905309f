using System.Globalization;
using System.Text;
using System.Text.Json;
using Img2Pose.Core;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Media;

namespace Img2Pose.Pipeline.Views;

/// <summary>A face whose views are written.</summary>
/// <param name="Name">What its folder or file is called, before characters that no file name holds are replaced.</param>
/// <param name="Source">The picture or video that it comes from, as told to people.</param>
/// <param name="Index">Number of the frame in a video, or null.</param>
/// <param name="Id">Its identity in a video, or null.</param>
/// <param name="Box">Its box, displayed pixels.</param>
/// <param name="Pose">Its pose under the camera of the picture (in the original's mode: of the crop).</param>
/// <param name="Mirrored">Whether the mirrored picture was used.</param>
public sealed record ViewedFace(string Name, string Source, long? Index, int? Id, Box Box, Pose Pose, bool Mirrored = false);

/// <summary>
/// Writes the views of faces into a folder: pictures, a line of JSON for each view in views.jsonl, and contact sheets. No file
/// that the run reads is written over, and no two faces get one name. Not thread-safe.
/// </summary>
public sealed class ViewFiles : IDisposable
{
    /// <summary>Rows of a contact sheet.</summary>
    private const int SheetRows = 12;

    private const int JpegQuality = 95;

    private readonly string _folder;
    private readonly ViewPlan _plan;
    private readonly Func<string, string?> _readAs;
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly FramePool _pool = new(2);
    private readonly OutputFile _lines;
    private readonly MemoryStream _line = new();
    private readonly List<(byte[] Pixels, int Side)[]> _rows = [];
    private int _sheets;

    /// <summary>Begins to write into <paramref name="folder"/>, which is made where it is missing.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="plan">Names, format and sheets.</param>
    /// <param name="readAs">Says what a file that the run reads is, by its path; null for others.</param>
    /// <exception cref="OutputException">It cannot be made or written.</exception>
    /// <exception cref="UsageException">The plan makes no sense, or the folder's views.jsonl is read by the run.</exception>
    public ViewFiles(string folder, ViewPlan plan, Func<string, string?>? readAs = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        plan.Validate();
        (_folder, _plan, _readAs) = (folder, plan, readAs ?? (_ => null));
        MakeFolder(folder);
        string lines = Path.Combine(folder, "views.jsonl");
        if (_readAs(lines) is { } role) throw new UsageException($"{lines}: would replace {role}; choose another folder.");
        _lines = OutputFile.Create(lines);
    }

    /// <summary>Views written so far.</summary>
    public long Views { get; private set; }

    /// <summary>Takes a name that no face of this run has had, and no file that is read: the face's own, or with a number.</summary>
    /// <param name="wanted">What it would be called.</param>
    public string TakeName(string wanted)
    {
        string stem = SafeName(wanted);
        for (int number = 1; ; number++)
        {
            string end = number == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $"_{number}");
            // Room for what the original's names add behind the key.
            string name = TemporaryName.Fit(stem, end.Length + 40) + end;
            if (_names.Contains(name) || _readAs(Path.Combine(_folder, name)) is not null || _readAs(Path.Combine(_folder, name + _plan.Extension)) is not null) continue;
            _names.Add(name);
            return name;
        }
    }

    /// <summary>Writes the views of a face, in place of earlier ones of the same name.</summary>
    /// <param name="face">The face; its name comes from <see cref="TakeName"/>.</param>
    /// <param name="excerpt">The picture around it, for the sheet: a square of RGB pixels, or null.</param>
    /// <param name="side">Side of the views and of the excerpt, pixels.</param>
    /// <param name="views">Its views.</param>
    /// <param name="final">Whether its lines are written: earlier versions of a face have none.</param>
    /// <exception cref="OutputException">A file cannot be written.</exception>
    /// <exception cref="UsageException">A file would replace one that the run reads.</exception>
    public void Write(ViewedFace face, byte[]? excerpt, int side, IReadOnlyList<DrawnView> views, bool final = true)
    {
        if (_plan.Names != ViewNames.OneFile) MakeFolder(Path.Combine(_folder, face.Name));
        foreach (DrawnView view in views)
        {
            string file = FileOf(face.Name, view);
            string path = Path.Combine(_folder, file);
            if (_readAs(path) is { } role) throw new UsageException($"{path}: would replace {role}; choose another folder.");
            WritePicture(path, view.Pixels, side, side);
            Views++;
            if (final) WriteLine(face, file, view);
        }
        if (!final || !_plan.ContactSheet) return;
        List<(byte[], int)> row = [];
        if (excerpt is not null) row.Add((excerpt, side));
        row.AddRange(views.Select(view => (view.Pixels, side)));
        _rows.Add([.. row]);
        if (_rows.Count == SheetRows) WriteSheet();
    }

    /// <summary>Completes lines and sheets.</summary>
    /// <exception cref="OutputException">They cannot be written.</exception>
    public void Complete()
    {
        if (_rows.Count > 0) WriteSheet();
        _lines.Complete();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _lines.Dispose();
        _pool.Dispose();
        _line.Dispose();
    }

    private string FileOf(string name, DrawnView view)
    {
        static string Angle(double degrees) => degrees.ToString("+0.##;-0.##;+0", CultureInfo.InvariantCulture);
        return _plan.Names switch
        {
            ViewNames.OneFile => name + _plan.Extension,
            ViewNames.Original => string.Create(CultureInfo.InvariantCulture, $"{name}/{name}_rendered_aug_-{Math.Abs(view.Yaw):00.##}_{view.Pitch:00.##}_10{_plan.Extension}"),
            _ => $"{name}/yaw{Angle(view.Yaw)}{(_plan.Pitches.Count > 1 || view.Pitch != 0 ? "_pitch" + Angle(view.Pitch) : "")}{_plan.Extension}",
        };
    }

    private void WriteLine(ViewedFace face, string file, DrawnView view)
    {
        _line.SetLength(0);
        using (Utf8JsonWriter json = new(_line))
        {
            json.WriteStartObject();
            json.WriteString("type", "view");
            json.WriteString("file", file);
            json.WriteString("source", face.Source);
            if (face.Index is { } index) json.WriteNumber("frame", index);
            if (face.Id is { } id) json.WriteNumber("id", id);
            json.WriteNumber("yaw", Math.Round(view.Yaw, 2));
            json.WriteNumber("pitch", Math.Round(view.Pitch, 2));
            json.WriteBoolean("mirrored", face.Mirrored);
            Numbers(json, "box", 2, face.Box.Left, face.Box.Top, face.Box.Right, face.Box.Bottom);
            Numbers(json, "rotvec", 6, face.Pose.Rotation.X, face.Pose.Rotation.Y, face.Pose.Rotation.Z);
            Numbers(json, "translation", 6, face.Pose.Translation.X, face.Pose.Translation.Y, face.Pose.Translation.Z);
            Share(json, "visible", view.Report?.VisibleShare);
            Share(json, "remembered", view.Report?.RememberedShare);
            Share(json, "symmetric", view.Report?.SymmetricShare);
            Share(json, "invented", view.Report?.InventedShare);
            json.WriteEndObject();
        }
        _line.WriteByte((byte)'\n');
        _lines.Write(_line.GetBuffer().AsSpan(0, (int)_line.Length));
    }

    private static void Numbers(Utf8JsonWriter json, string name, int digits, params ReadOnlySpan<double> values)
    {
        json.WriteStartArray(name);
        foreach (double value in values)
        {
            if (double.IsFinite(value)) json.WriteNumberValue(Math.Round(value, digits));
            else json.WriteNullValue();
        }
        json.WriteEndArray();
    }

    private static void Share(Utf8JsonWriter json, string name, double? share)
    {
        if (share is { } value) json.WriteNumber(name, Math.Round(value, 4));
        else json.WriteNull(name);
    }

    private void WriteSheet()
    {
        int columns = _rows.Max(row => row.Length), side = _rows.Max(row => row.Max(cell => cell.Side)), width = columns * side, height = _rows.Count * side;
        byte[] sheet = new byte[checked(3 * width * height)];
        for (int row = 0; row < _rows.Count; row++)
        {
            for (int column = 0; column < _rows[row].Length; column++)
            {
                (byte[] pixels, int cell) = _rows[row][column];
                for (int y = 0; y < cell; y++)
                    pixels.AsSpan(3 * y * cell, 3 * cell).CopyTo(sheet.AsSpan(3 * ((row * side + y) * width + column * side)));
            }
        }
        _rows.Clear();
        string path = Path.Combine(_folder, ++_sheets == 1 ? "contact-sheet.jpg" : string.Create(CultureInfo.InvariantCulture, $"contact-sheet-{_sheets}.jpg"));
        if (_readAs(path) is { } role) throw new UsageException($"{path}: would replace {role}; choose another folder.");
        WritePicture(path, sheet, width, height);
    }

    private void WritePicture(string path, byte[] pixels, int width, int height)
    {
        using VideoFrame frame = _pool.Rent(PixelFormat.Rgb24, width, height);
        FramePlane plane = frame.GetPlane(0);
        for (int y = 0; y < height; y++) pixels.AsSpan(3 * y * width, 3 * width).CopyTo(plane.Row(y));
        ImageFile.Write(path, frame, JpegQuality);
    }

    /// <summary>A name without what leads out of the folder or is not printed.</summary>
    private static string SafeName(string wanted)
    {
        StringBuilder name = new();
        foreach (char c in wanted) name.Append(c is '/' or '\\' || char.IsControl(c) ? '_' : c);
        string text = name.ToString().Trim();
        return text is "" or "." or ".." ? "face" : text[0] == '.' ? "_" + text[1..] : text;
    }

    private static void MakeFolder(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"{folder}: cannot be made: {error.Message}", error);
        }
    }
}
