using System.Text;
using System.Text.RegularExpressions;

namespace Img2Pose.Monitor.Configuration;

/// <summary>
/// Where values come from that should not stand in a file: <c>${NAME}</c> from the environment, <c>file:PATH</c> from a file. Only for
/// what was written on the disk, never for what came over the network.
/// </summary>
/// <param name="folder">What paths that are not absolute begin at.</param>
/// <param name="environment">Gives a variable, or null.</param>
internal sealed partial class Secrets(string folder, Func<string, string?>? environment = null)
{
    private const int LongestSecret = 16 << 10;

    /// <summary>Nothing is looked up: texts are what they are.</summary>
    public static Secrets None { get; } = new("", null) { IsOff = true };

    private bool IsOff { get; init; }

    /// <summary>The value of a text, or null and why there is none.</summary>
    public string? Resolve(string text, out string? why)
    {
        why = null;
        if (IsOff) return text;
        if (text.StartsWith("file:", StringComparison.Ordinal) && !text.StartsWith("file://", StringComparison.Ordinal)) return Read(text[5..], out why);
        string? missing = null;
        string value = Variable().Replace(text, match =>
        {
            string name = match.Groups[1].Value;
            string? found = (environment ?? Environment.GetEnvironmentVariable)(name);
            if (string.IsNullOrEmpty(found)) missing = name;
            return found ?? "";
        });
        if (missing is not null) why = $"the environment variable {missing} is not set";
        return missing is null ? value : null;
    }

    private string? Read(string name, out string? why)
    {
        string path = Path.Combine(folder, name);
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            byte[] bytes = new byte[LongestSecret + 1];
            int length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            why = length > LongestSecret ? $"the file {path} is too long for a secret" : null;
            if (why is not null) return null;
            string secret = Encoding.UTF8.GetString(bytes, 0, length).TrimEnd('\r', '\n');
            if (secret.Length > 0) return secret;
            why = $"the file {path} is empty";
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            why = $"the file {path} cannot be read ({(error is UnauthorizedAccessException ? "permission denied" : error is FileNotFoundException or DirectoryNotFoundException ? "it is not there" : "input/output error")})";
            return null;
        }
    }

    [GeneratedRegex("\\$\\{([A-Za-z_][A-Za-z0-9_]*)\\}", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Variable();
}
