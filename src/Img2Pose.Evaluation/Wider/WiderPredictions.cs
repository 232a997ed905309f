using System.Globalization;
using System.Text;
using Img2Pose.Evaluation.Reporting;
using Img2Pose.Geometry;

namespace Img2Pose.Evaluation.Wider;

/// <summary>A detection as WIDER FACE scores it.</summary>
/// <param name="Box">The box.</param>
/// <param name="Score">The confidence, of any scale.</param>
public readonly record struct WiderDetection(Box Box, double Score);

/// <summary>
/// The official layout of results: <c>EVENT/PICTURE.txt</c> with the picture's name, the number of faces, and a line
/// <c>left top width height score</c> for each.
/// </summary>
public static class WiderPredictions
{
    /// <summary>The path of a picture's file below <paramref name="folder"/>.</summary>
    public static string PathOf(string folder, string eventName, string name) => Path.Combine(folder, eventName, name + ".txt");

    /// <summary>Reads one file.</summary>
    /// <exception cref="InputException">It is absent or wrong; the message names file and line.</exception>
    public static WiderDetection[] Read(string path)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read: {error.Message}", error);
        }
        if (lines.Length < 2 || !int.TryParse(lines[1], NumberStyles.None, CultureInfo.InvariantCulture, out int count))
            throw new InputException($"{path}, line 2: the number of faces is missing.");

        List<WiderDetection> faces = [];
        for (int i = 2; i < lines.Length; i++)
        {
            string[] words = lines[i].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0) continue;
            double[] numbers = [.. words.Select(word => double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out double n) ? n : double.NaN)];
            if (numbers.Length != 5 || numbers.Any(n => !double.IsFinite(n)))
                throw new InputException($"{path}, line {i + 1}: not the five finite numbers left, top, width, height, score.");
            faces.Add(new WiderDetection(new Box(numbers[0], numbers[1], numbers[0] + numbers[2], numbers[1] + numbers[3]), numbers[4]));
        }
        if (faces.Count != count) throw new InputException($"{path}: line 2 promises {count} faces, but {faces.Count} follow.");
        return [.. faces];
    }

    /// <summary>The text of one file; numbers as Python prints them, as the original's files have them.</summary>
    /// <param name="fileName">The picture's file name with extension.</param>
    /// <param name="faces">The faces.</param>
    public static string Text(string fileName, IReadOnlyList<WiderDetection> faces)
    {
        StringBuilder text = new();
        text.Append(fileName).Append('\n').Append(faces.Count.ToString(CultureInfo.InvariantCulture)).Append('\n');
        foreach ((Box box, double score) in faces)
        {
            text.AppendJoin(' ', PythonFloat(box.Left), PythonFloat(box.Top), PythonFloat(box.Width), PythonFloat(box.Height), PythonFloat(score)).Append('\n');
        }
        return text.ToString();
    }

    /// <summary>Writes one file; folders on the way are made.</summary>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public static void Write(string path, string fileName, IReadOnlyList<WiderDetection> faces) =>
        ReportFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(Text(fileName, faces))));

    /// <summary>A number as Python's repr writes it: the shortest digits that read back, an exponent below 1e-4 and from 1e16 on.</summary>
    internal static string PythonFloat(double value)
    {
        // .NET's shortest form has the same digits, laid out by other rules: take it apart and lay it out again.
        string[] halves = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture).Split('E');
        int point = halves[0].IndexOf('.');
        string all = halves[0].Replace(".", "", StringComparison.Ordinal);
        string digits = all.TrimStart('0');
        // The number is 0.DIGITS times ten to this.
        int exponent = (point < 0 ? all.Length : point) - (all.Length - digits.Length)
            + (halves.Length > 1 ? int.Parse(halves[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) : 0);
        digits = digits.TrimEnd('0');
        string sign = double.IsNegative(value) ? "-" : "";
        if (digits.Length == 0) return sign + "0.0";
        return sign + exponent switch
        {
            > 16 or < -3 => Scientific(digits, exponent - 1),
            <= 0 => "0." + new string('0', -exponent) + digits,
            _ when digits.Length <= exponent => digits.PadRight(exponent, '0') + ".0",
            _ => digits[..exponent] + "." + digits[exponent..],
        };
    }

    private static string Scientific(string digits, int exponent)
    {
        string mantissa = digits.Length == 1 ? digits : digits[..1] + "." + digits[1..];
        return string.Create(CultureInfo.InvariantCulture, $"{mantissa}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
    }
}
