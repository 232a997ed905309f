using System.Text.Json;
using Img2Pose.Evaluation.Reporting;
using Img2Pose.Formats;
using Img2Pose.Geometry;

namespace Img2Pose.Evaluation;

/// <summary>
/// Predictions as JSON lines: a header <c>{"type":"predictions","schema":1,"model":…,"model_sha256":…,"threshold":…,
/// "lowest_score":…,"milliseconds_per_picture":…}</c>, then a line a picture <c>{"image":…,"width":…,"height":…,
/// "faces":[{"score":…,"box":[l,t,r,b],"rotvec":[…],"translation":[…]}]}</c>, or <c>{"image":…,"unreadable":"reason"}</c>.
/// Numbers are written so that they read back to the same bits: a report from the file equals the one from the model.
/// </summary>
public static class PredictionFile
{
    /// <summary>Writes the file: under another name first, so that it is never half there.</summary>
    /// <exception cref="OutputException">The file cannot be written.</exception>
    public static void Write(string path, PredictionSet predictions) => ReportFile.Write(path, stream =>
    {
        WriteLine(stream, json =>
        {
            json.WriteString("type", "predictions");
            json.WriteNumber("schema", 1);
            json.WriteString("model", predictions.Model);
            json.WriteString("model_sha256", predictions.ModelSha256);
            json.WriteNumber("threshold", predictions.Threshold);
            json.WriteNumber("lowest_score", predictions.LowestScore);
            if (predictions.MillisecondsPerPicture is { } time) json.WriteNumber("milliseconds_per_picture", time);
            else json.WriteNull("milliseconds_per_picture");
        });
        foreach (PicturePrediction picture in predictions.Pictures) WriteLine(stream, json => WritePicture(json, picture));
        foreach (UnreadablePicture picture in predictions.Unreadable)
        {
            WriteLine(stream, json =>
            {
                json.WriteString("image", picture.Image);
                json.WriteString("unreadable", picture.Reason);
            });
        }
    });

    /// <summary>Reads a file.</summary>
    /// <exception cref="InputException">The file is absent or wrong; the message names file and line.</exception>
    public static PredictionSet Read(string path)
    {
        PredictionSet? header = null;
        List<PicturePrediction> pictures = [];
        List<UnreadablePicture> unreadable = [];
        int number = 0;
        foreach (string line in Lines(path))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line)) continue;
            try
            {
                using JsonDocument document = JsonDocument.Parse(line);
                AnnotationElement root = new(document.RootElement, "");
                root.RequireObject();
                if (header is null) header = ReadHeader(root);
                else if (root.Optional("unreadable") is { } reason) unreadable.Add(new(root.Require("image").AsText(), reason.AsText()));
                else pictures.Add(ReadPicture(root));
            }
            catch (JsonException error)
            {
                throw new InputException($"{path}, line {number}: not valid JSON: {error.Message.Split(" LineNumber", 2)[0]}", error);
            }
            catch (AnnotationFormatException error)
            {
                throw new InputException($"{path}, line {number}: {error.Message}");
            }
        }
        if (header is null) throw new InputException($"{path}: the file is empty; a prediction file starts with a header line.");
        return header with { Pictures = pictures, Unreadable = unreadable };
    }

    private static PredictionSet ReadHeader(AnnotationElement root)
    {
        AnnotationElement type = root.Require("type");
        if (type.AsText() != "predictions") throw type.Wrong("it must be \"predictions\"; is this a prediction file of img2pose?");
        AnnotationElement schema = root.Require("schema");
        if (schema.AsNumber() != 1) throw schema.Wrong("only schema 1 is understood");
        return new PredictionSet
        {
            Model = root.Require("model").AsText(),
            ModelSha256 = root.Optional("model_sha256")?.AsText(),
            Threshold = root.Require("threshold").AsNumber(),
            LowestScore = root.Require("lowest_score").AsNumber(),
            MillisecondsPerPicture = root.Optional("milliseconds_per_picture")?.AsNumber(),
            Pictures = [],
            Unreadable = [],
        };
    }

    private static PicturePrediction ReadPicture(AnnotationElement root) => new(
        root.Require("image").AsText(), root.Require("width").AsSide(), root.Require("height").AsSide(),
        [.. root.Require("faces").Items().Select(ReadFace)]);

    private static FaceDetection ReadFace(AnnotationElement face)
    {
        face.RequireObject();
        return new FaceDetection(
            face.Require("box").AsBox(), face.Require("score").AsNumber(),
            new Pose(face.Require("rotvec").AsVector(), face.Require("translation").AsVector()));
    }

    private static void WritePicture(Utf8JsonWriter json, PicturePrediction picture)
    {
        json.WriteString("image", picture.Image);
        json.WriteNumber("width", picture.Width);
        json.WriteNumber("height", picture.Height);
        json.WriteStartArray("faces");
        foreach (FaceDetection face in picture.Faces)
        {
            json.WriteStartObject();
            json.WriteNumber("score", face.Score);
            WriteNumbers(json, "box", face.Box.Left, face.Box.Top, face.Box.Right, face.Box.Bottom);
            WriteNumbers(json, "rotvec", face.Pose.Rotation.X, face.Pose.Rotation.Y, face.Pose.Rotation.Z);
            WriteNumbers(json, "translation", face.Pose.Translation.X, face.Pose.Translation.Y, face.Pose.Translation.Z);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, params ReadOnlySpan<double> numbers)
    {
        json.WriteStartArray(name);
        foreach (double number in numbers) json.WriteNumberValue(number);
        json.WriteEndArray();
    }

    private static void WriteLine(Stream stream, Action<Utf8JsonWriter> content)
    {
        using (Utf8JsonWriter json = new(stream))
        {
            json.WriteStartObject();
            content(json);
            json.WriteEndObject();
        }
        stream.WriteByte((byte)'\n');
    }

    private static IEnumerable<string> Lines(string path)
    {
        try
        {
            return File.ReadLines(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be opened: {error.Message}", error);
        }
    }
}
