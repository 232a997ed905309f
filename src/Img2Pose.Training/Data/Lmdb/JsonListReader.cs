using System.Text.Json;
using Img2Pose.Formats;

namespace Img2Pose.Training.Data.Lmdb;

/// <summary>One JSON file of the original: <c>image_path</c>, <c>bboxes</c> [l,t,r,b,…] and <c>landmarks</c>, as many.</summary>
internal sealed record ListedPicture(string Source, string Path, double[][] Boxes, PackedNumber[][][] Landmarks);

/// <summary>Reads the original's lists: a text file that names one JSON file a line.</summary>
internal static class JsonListReader
{
    /// <summary>Reads every JSON file of a list.</summary>
    /// <param name="list">The list; its paths are relative to it, or to the current folder.</param>
    /// <param name="pictures">Folder that <c>image_path</c> is relative to.</param>
    /// <param name="leftOut">Told of each JSON file that is missing or malformed, which is left out; null: the first is thrown.</param>
    /// <exception cref="InputException">The list or a JSON file is missing or malformed; file and line are named.</exception>
    public static IEnumerable<ListedPicture> Read(string list, string pictures, Action<InputException>? leftOut = null)
    {
        if (!File.Exists(list)) throw new InputException($"{list}: no such list; give a text file that names one JSON file a line");
        string folder = Path.GetDirectoryName(Path.GetFullPath(list))!;
        int line = 0;
        foreach (string text in File.ReadLines(list))
        {
            line++;
            string name = text.Trim();
            if (name.Length == 0) continue;
            ListedPicture? picture = null;
            try
            {
                string path = Path.Combine(folder, name);
                if (!File.Exists(path)) path = name;
                if (!File.Exists(path)) throw new InputException($"{list}:{line}: {name} not found");
                picture = ReadFile(path, pictures);
            }
            catch (InputException error) when (leftOut is not null)
            {
                leftOut(error);
            }
            if (picture is not null) yield return picture;
        }
    }

    private static ListedPicture ReadFile(string path, string pictures)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            JsonElement root = document.RootElement;
            string picture = Path.Combine(pictures, Require(root, "image_path", path).GetString() ?? "");
            double[][] boxes = [.. Require(root, "bboxes", path).EnumerateArray().Select(box => Box(box, path))];
            PackedNumber[][][] landmarks = [.. Require(root, "landmarks", path).EnumerateArray()
                .Select(face => face.EnumerateArray().Select(point => Point(point, path)).ToArray())];
            if (boxes.Length != landmarks.Length)
                throw new InputException($"{path}: {boxes.Length} boxes and {landmarks.Length} sets of landmarks; one set belongs to each box");
            return new ListedPicture(path, picture, boxes, landmarks);
        }
        catch (JsonException e)
        {
            throw new InputException($"{path}:{(e.LineNumber ?? 0) + 1}: not valid JSON: {e.Message.Split(" LineNumber", 2)[0]}", e);
        }
        catch (InvalidOperationException e)
        {
            throw new InputException($"{path}: a value has the wrong kind: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read: {e.Message}", e);
        }
    }

    private static JsonElement Require(JsonElement root, string key, string path) =>
        root.TryGetProperty(key, out JsonElement value) ? value : throw new InputException($"{path}: the key '{key}' is missing");

    private static double[] Box(JsonElement box, string path)
    {
        double[] numbers = [.. box.EnumerateArray().Select(n => Number(n, path).Value)];
        return numbers.Length >= 4 ? numbers : throw new InputException($"{path}: a box has {numbers.Length} numbers; 4 or more belong there");
    }

    private static PackedNumber[] Point(JsonElement point, string path)
    {
        PackedNumber[] numbers = [.. point.EnumerateArray().Select(n => Number(n, path))];
        return numbers.Length >= 2 ? numbers : throw new InputException($"{path}: a landmark has {numbers.Length} numbers; 2 or more belong there");
    }

    private static PackedNumber Number(JsonElement value, string path)
    {
        // Python tells 1 from 1.0, and so do the bytes that the original writes.
        bool integer = value.GetRawText().AsSpan().IndexOfAny('.', 'e', 'E') < 0;
        double number = value.GetDouble();
        if (!double.IsFinite(number)) throw new InputException($"{path}: a number is not finite");
        return new PackedNumber(number, integer && Math.Abs(number) < 1L << 53);
    }
}
