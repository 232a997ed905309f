using System.Text.Json;
using Img2Pose.Geometry;

namespace Img2Pose.Formats;

/// <summary>A JSON value with the path that leads to it, so that every complaint can say where it is.</summary>
internal readonly struct AnnotationElement(JsonElement value, string path)
{
    /// <summary>This element, or null where the value is a JSON null.</summary>
    public AnnotationElement? Present => value.ValueKind == JsonValueKind.Null ? null : this;

    private JsonElement Value => value;

    public void RequireObject() => RequireKind(JsonValueKind.Object, "a JSON object");

    public AnnotationElement Require(string key) =>
        TryGet(key, out JsonElement child)
            ? new AnnotationElement(child, Join(key))
            : throw new AnnotationFormatException($"the key '{Join(key)}' is missing");

    /// <summary>The value of <paramref name="key"/>, or null where the key is absent or its value is null.</summary>
    public AnnotationElement? Optional(string key) =>
        TryGet(key, out JsonElement child) && child.ValueKind != JsonValueKind.Null
            ? new AnnotationElement(child, Join(key))
            : null;

    public IEnumerable<AnnotationElement> Items()
    {
        RequireKind(JsonValueKind.Array, "a list");
        string here = path;
        return value.EnumerateArray().Select((item, i) => new AnnotationElement(item, $"{here}[{i}]"));
    }

    public string AsText()
    {
        RequireKind(JsonValueKind.String, "a string");
        string text = Decoded(value.GetString)!;
        return text.Length > 0 ? text : throw Wrong("it is empty");
    }

    public bool AsFlag() =>
        value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Wrong("it must be true or false");

    public double AsNumber()
    {
        RequireKind(JsonValueKind.Number, "a number");
        double number = value.GetDouble();
        return double.IsFinite(number) ? number : throw Wrong("it is not a finite number");
    }

    public int AsSide() =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int side) && side > 0
            ? side
            : throw Wrong("it must be a whole number of pixels above 0");

    public Box AsBox()
    {
        double[] n = AsNumbers(4);
        return new Box(n[0], n[1], n[2], n[3]);
    }

    public Pose AsPose()
    {
        double[] n = AsNumbers(6);
        return new Pose(new Vector3d(n[0], n[1], n[2]), new Vector3d(n[3], n[4], n[5]));
    }

    public Vector3d AsVector()
    {
        double[] n = AsNumbers(3);
        return new Vector3d(n[0], n[1], n[2]);
    }

    public (double X, double Y)[] AsLandmarks()
    {
        (double, double)[] points = [.. Items().Select(item => item.AsNumbers(2)).Select(n => (n[0], n[1]))];
        return points.Length is 5 or 68 ? points : throw Wrong($"it has {points.Length} points; 5 or 68 are understood");
    }

    public AnnotationFormatException Wrong(string reason) => new($"'{path}': {reason}");

    private bool TryGet(string key, out JsonElement child)
    {
        RequireObject();
        JsonElement found = default, here = value;
        bool there = Decoded(() => here.TryGetProperty(key, out found));
        child = found;
        return there;
    }

    // JSON may spell half a surrogate pair, which is no text: System.Text.Json notices only when it is decoded.
    private T Decoded<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException)
        {
            throw path.Length == 0 ? new AnnotationFormatException("a key is not valid Unicode") : Wrong("it is not valid Unicode");
        }
    }

    private double[] AsNumbers(int count)
    {
        double[] numbers = [.. Items().Select(item => item.AsNumber())];
        return numbers.Length == count ? numbers : throw Wrong($"it has {numbers.Length} numbers instead of {count}");
    }

    private void RequireKind(JsonValueKind kind, string name)
    {
        if (Value.ValueKind != kind)
            throw path.Length == 0 ? new AnnotationFormatException($"the line is not {name}") : Wrong($"it must be {name}");
    }

    private string Join(string key) => path.Length == 0 ? key : $"{path}.{key}";
}

/// <summary>A complaint about one line; the reader adds file and line.</summary>
internal sealed class AnnotationFormatException(string message) : Exception(message);
