using System.Globalization;
using System.Text;
using Img2Pose.Geometry;

namespace Img2Pose.Formats;

/// <summary>
/// Reads the camera of a calibration as OpenCV's FileStorage writes it in YAML: <c>camera_matrix</c> (3×3) and
/// <c>distortion_coefficients</c> (4, 5, 8, 12 or 14 numbers), <c>image_width</c> and <c>image_height</c>; ROS's are the same.
/// Nothing of YAML beyond that is understood, so that a file can do no harm.
/// </summary>
public static class CameraFile
{
    private const int MostBytes = 1 << 20;
    private const int MostNumbers = 64;

    // A view of less than half a degree over the largest picture.
    private const double MostPixels = 1e7;
    private static readonly string[] s_matrices = ["camera_matrix", "Camera_Matrix", "cameraMatrix", "K"];
    private static readonly string[] s_distortions = ["distortion_coefficients", "Distortion_Coefficients", "distCoeffs", "dist_coeffs", "D"];
    private static readonly string[] s_widths = ["image_width", "image_Width"];
    private static readonly string[] s_heights = ["image_height", "image_Height"];

    /// <summary>Reads a file.</summary>
    /// <exception cref="InputException">It cannot be read, or holds no camera.</exception>
    public static CameraModel Load(string path)
    {
        string text;
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 4096);
            byte[] bytes = new byte[MostBytes + 1];
            int count = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (count > MostBytes) throw new InputException($"{path}: is larger than a calibration can be ({MostBytes} bytes).");
            text = Encoding.UTF8.GetString(bytes, 0, count);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new InputException($"{path}: cannot be read: {e.Message.TrimEnd('.')}.", e);
        }
        return Parse(text, path);
    }

    /// <summary>Reads the text of such a file.</summary>
    /// <param name="text">The text.</param>
    /// <param name="name">The file's name, for errors.</param>
    /// <exception cref="InputException">It holds no camera.</exception>
    public static CameraModel Parse(string text, string name)
    {
        ArgumentNullException.ThrowIfNull(text);
        double[] k = Numbers(text, s_matrices, name) ?? throw new InputException($"{name}: there is no camera_matrix in it; a calibration by OpenCV has one.");
        if (k.Length != 9) throw new InputException($"{name}: its camera_matrix has {k.Length} numbers instead of 9.");
        if (!(k[0] > 0 && k[4] > 0) || Math.Abs(k[8] - 1) > 1e-9 || k[3] != 0 || k[6] != 0 || k[7] != 0)
            throw new InputException($"{name}: its camera_matrix is none: [fx 0 cx; 0 fy cy; 0 0 1] is expected.");
        if (k[0] > MostPixels || k[4] > MostPixels || Math.Abs(k[2]) > MostPixels || Math.Abs(k[5]) > MostPixels)
            throw new InputException($"{name}: its camera_matrix holds numbers that no camera has; focal lengths and centre are in pixels.");
        if (Word(text, "distortion_model") is { Length: > 0 } model and not ("plumb_bob" or "rational_polynomial"))
            throw new InputException($"{name}: the distortion model {model} is not understood; plumb_bob and rational_polynomial are.");
        double[] distortion = Numbers(text, s_distortions, name) ?? [];
        // Of 12 and 14 the last are thin prism and tilt, which hardly any lens has; they may be there as zeros.
        if (distortion.Length is not (0 or 4 or 5 or 8 or 12 or 14)) throw new InputException($"{name}: {distortion.Length} distortion coefficients are not understood; 4, 5 or 8 are.");
        if (distortion.Skip(8).Any(value => value != 0)) throw new InputException($"{name}: thin prism or tilt coefficients are not understood; calibrate with up to 8 coefficients.");
        return new CameraModel
        {
            FocalX = k[0],
            FocalY = k[4],
            CenterX = k[2],
            CenterY = k[5],
            Width = Side(text, s_widths, name),
            Height = Side(text, s_heights, name),
            Distortion = [.. distortion.Take(8)],
        };
    }

    private static int Side(string text, string[] keys, string name)
    {
        int at = After(text, keys);
        if (at < 0) return 0;
        int end = at;
        while (end < text.Length && text[end] is not ('\n' or '\r' or '#')) end++;
        ReadOnlySpan<char> value = text.AsSpan(at, end - at).Trim();
        return int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int side) && side is > 0 and <= 1 << 16
            ? side
            : throw new InputException($"{name}: its {keys[0]} is no size.");
    }

    /// <summary>The word that stands behind a key, without quotes; empty where the key is not there.</summary>
    private static string Word(string text, string key)
    {
        int at = After(text, [key]);
        if (at < 0) return "";
        int end = at;
        while (end < text.Length && text[end] is not ('\n' or '\r' or '#')) end++;
        return text[at..end].Trim().Trim('"', '\'');
    }

    /// <summary>The numbers between the brackets that follow a key; null where the key is not there.</summary>
    private static double[]? Numbers(string text, string[] keys, string name)
    {
        int at = After(text, keys);
        if (at < 0) return null;
        int open = text.IndexOf('[', at), close = open < 0 ? -1 : text.IndexOf(']', open);
        // The brackets of a matrix belong to its "data"; between it and its key there are only rows, columns and type.
        if (close < 0 || open - at > 300) throw new InputException($"{name}: the numbers of {keys[0]} are missing.");
        List<double> numbers = [];
        foreach (string part in text[(open + 1)..close].Split([',', ' ', '\n', '\r', '\t'], StringSplitOptions.RemoveEmptyEntries))
        {
            if (numbers.Count == MostNumbers || !double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) || !double.IsFinite(value))
                throw new InputException($"{name}: the numbers of {keys[0]} cannot be read.");
            numbers.Add(value);
        }
        return [.. numbers];
    }

    /// <summary>The place behind "KEY:" at the beginning of a line, or −1.</summary>
    private static int After(string text, string[] keys)
    {
        foreach (string key in keys)
        {
            for (int at = text.IndexOf(key, StringComparison.Ordinal); at >= 0; at = text.IndexOf(key, at + 1, StringComparison.Ordinal))
            {
                bool begins = at == 0 || text[at - 1] == '\n';
                int end = at + key.Length;
                while (end < text.Length && text[end] == ' ') end++;
                if (begins && end < text.Length && text[end] == ':') return end + 1;
            }
        }
        return -1;
    }
}
