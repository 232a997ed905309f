using System.Text.Json;
using Img2Pose.Geometry;

namespace Img2Pose.Formats;

/// <summary>
/// Reads annotation packs: a folder with pictures and an <c>annotations.jsonl</c>, one JSON object a picture with the keys
/// <c>image</c>, <c>width</c>, <c>height</c>, <c>set</c>, <c>complete</c> and <c>faces</c>; each face has <c>box</c>
/// [l,t,r,b], <c>pose</c> [rx,ry,rz,tx,ty,tz] or null, <c>label</c>, <c>ignore</c>, and optionally <c>landmarks</c>,
/// <c>yaw_gt</c>, <c>pitch_gt</c>, <c>roll_gt</c>, <c>agree</c>, <c>reproj</c>, <c>gt_box</c>, <c>score</c>. Other keys
/// are ignored. The pictures themselves are not opened.
/// </summary>
public static class AnnotationPackReader
{
    /// <summary>The file name of the annotations in a pack's folder.</summary>
    public const string FileName = "annotations.jsonl";

    /// <summary>Reads a pack wholly.</summary>
    /// <param name="pack">The pack's folder, or its JSON-lines file.</param>
    /// <exception cref="InputException">The file is absent, or a line is wrong; the message names file and line.</exception>
    public static AnnotatedImage[] Load(string pack) => [.. Read(pack)];

    /// <summary>Reads a pack line by line; blank lines are skipped.</summary>
    /// <param name="pack">The pack's folder, or its JSON-lines file.</param>
    /// <exception cref="InputException">The file is absent, or a line is wrong; the message names file and line.</exception>
    public static IEnumerable<AnnotatedImage> Read(string pack)
    {
        ArgumentException.ThrowIfNullOrEmpty(pack);
        string file = Directory.Exists(pack) ? Path.Combine(pack, FileName) : pack;
        if (!File.Exists(file))
        {
            throw new InputException(Directory.Exists(pack)
                ? $"{pack}: no {FileName} in this folder; give a folder that holds an annotation pack."
                : $"{pack}: no such annotation pack; give a folder that holds {FileName}.");
        }
        return ReadLines(file);
    }

    private static IEnumerable<AnnotatedImage> ReadLines(string file)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        using StreamReader reader = Open(file);
        for (int line = 1; ; line++)
        {
            string? text = NextLine(reader, file, line);
            if (text is null) yield break;
            if (!string.IsNullOrWhiteSpace(text)) yield return Parse(text, file, line, folder);
        }
    }

    /// <summary>Parses one line.</summary>
    /// <param name="text">The JSON object.</param>
    /// <param name="file">The file's name, for messages.</param>
    /// <param name="line">The line's number, for messages.</param>
    /// <param name="folder">The folder that picture paths are relative to.</param>
    /// <exception cref="InputException">The line is wrong; the message names file, line, key and reason.</exception>
    public static AnnotatedImage Parse(string text, string file, int line, string folder)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            AnnotationElement root = new(document.RootElement, "");
            root.RequireObject();
            int width = root.Require("width").AsSide();
            int height = root.Require("height").AsSide();
            string image = root.Require("image").AsText();
            return new AnnotatedImage
            {
                Image = image,
                Path = Path.Combine(folder, image.Replace('/', Path.DirectorySeparatorChar)),
                Width = width,
                Height = height,
                Set = root.Require("set").AsText(),
                Complete = root.Require("complete").AsFlag(),
                Faces = [.. root.Require("faces").Items().Select(face => ParseFace(face, width, height))],
                Line = line,
            };
        }
        catch (JsonException error)
        {
            // Python's writer emits these words, which are not JSON; name the cause rather than a byte position.
            string reason = text.Contains("NaN", StringComparison.Ordinal) || text.Contains("Infinity", StringComparison.Ordinal)
                ? "a number is NaN or infinite; give null where a value is unknown"
                : $"not valid JSON: {error.Message.Split(" LineNumber", 2)[0]}";
            throw new InputException($"{file}, line {line}: {reason}", error);
        }
        catch (AnnotationFormatException error)
        {
            throw new InputException($"{file}, line {line}: {error.Message}");
        }
    }

    private static AnnotatedFace ParseFace(AnnotationElement face, int width, int height)
    {
        face.RequireObject();
        AnnotationElement boxElement = face.Require("box");
        Box box = boxElement.AsBox();
        if (box.IsEmpty) throw boxElement.Wrong($"the box [{Describe(box)}] is empty or inverted; it must be l,t,r,b");
        if (box.Left < 0 || box.Top < 0 || box.Right > width || box.Bottom > height)
            throw boxElement.Wrong($"the box [{Describe(box)}] reaches out of the {width}x{height} picture; clip it");

        return new AnnotatedFace
        {
            Box = box,
            Pose = face.Require("pose").Present?.AsPose(),
            Landmarks = face.Optional("landmarks")?.AsLandmarks(),
            Label = face.Require("label").AsText(),
            Ignore = face.Require("ignore").AsFlag(),
            SourceYaw = face.Optional("yaw_gt")?.AsNumber(),
            SourcePitch = face.Optional("pitch_gt")?.AsNumber(),
            SourceRoll = face.Optional("roll_gt")?.AsNumber(),
            Agreement = face.Optional("agree")?.AsNumber(),
            ReprojectionError = face.Optional("reproj")?.AsNumber(),
            SourceBox = face.Optional("gt_box")?.AsBox(),
            Score = face.Optional("score")?.AsNumber(),
        };
    }

    private static string Describe(Box box) => FormattableString.Invariant($"{box.Left},{box.Top},{box.Right},{box.Bottom}");

    private static StreamReader Open(string file)
    {
        try
        {
            return new StreamReader(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{file}: cannot be opened: {error.Message}", error);
        }
    }

    private static string? NextLine(StreamReader reader, string file, int line)
    {
        try
        {
            return reader.ReadLine();
        }
        catch (IOException error)
        {
            throw new InputException($"{file}, line {line}: cannot be read: {error.Message}", error);
        }
    }
}
