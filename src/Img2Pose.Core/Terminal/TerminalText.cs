using System.Globalization;
using System.Text;

namespace Img2Pose.Core;

/// <summary>
/// Text that came from a file, a model, a name or another program, made safe for a terminal: what would move the cursor,
/// change colours, turn the direction of writing or hide letters is spelt out as <c>\x1B</c> or <c>\u202E</c>.
/// </summary>
internal static class TerminalText
{
    /// <summary>Most characters of a message: a name in a model can be megabytes long.</summary>
    public const int LongestLine = 4000;

    // Several scripts, and emoji, are not written properly without these two; they change no direction.
    private const int ZeroWidthNonJoiner = 0x200C, ZeroWidthJoiner = 0x200D;

    /// <summary>The text with every unsafe character spelt out; line breaks and tabs stay.</summary>
    public static string Escape(string text) => IsSafe(text) ? text : Escape(text.AsSpan());

    /// <inheritdoc cref="Escape(string)"/>
    public static string Escape(ReadOnlySpan<char> text)
    {
        StringBuilder safe = new(text.Length + 16);
        while (!text.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(text, out Rune rune, out int length) == System.Buffers.OperationStatus.Done)
            {
                if (IsSafe(rune)) safe.Append(text[..length]);
                else if (rune.Value < 0x100) safe.Append(CultureInfo.InvariantCulture, $"\\x{rune.Value:X2}");
                else if (rune.IsBmp) safe.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:X4}");
                else safe.Append(CultureInfo.InvariantCulture, $"\\U{rune.Value:X8}");
            }
            else
            {
                length = 1;
                // A lone surrogate. Those of U+DC80 to U+DCFF stand for a byte that is not UTF-8, as in names of files.
                safe.Append(text[0] is >= '\uDC80' and <= '\uDCFF'
                    ? string.Create(CultureInfo.InvariantCulture, $"\\x{text[0] - 0xDC00:X2}")
                    : string.Create(CultureInfo.InvariantCulture, $"\\u{(int)text[0]:X4}"));
            }
            text = text[length..];
        }
        return safe.ToString();
    }

    /// <summary>A safe message of one line and bounded length, without runs of spaces, so that logs stay one line an event.</summary>
    public static string OneLine(string message)
    {
        if (message.Length > LongestLine) message = string.Concat(message.AsSpan(0, LongestLine), "…");
        return Escape(string.Join(' ', message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)));
    }

    /// <summary>Whether nothing needs spelling out.</summary>
    public static bool IsSafe(ReadOnlySpan<char> text)
    {
        // Most of what is written is plain ASCII.
        int unusual = text.IndexOfAnyExceptInRange(' ', '~');
        if (unusual < 0) return true;
        text = text[unusual..];
        while (!text.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(text, out Rune rune, out int length) != System.Buffers.OperationStatus.Done || !IsSafe(rune)) return false;
            text = text[length..];
        }
        return true;
    }

    private static bool IsSafe(Rune rune) => rune.Value is '\n' or '\t' or ZeroWidthNonJoiner or ZeroWidthJoiner || Rune.GetUnicodeCategory(rune) switch
    {
        // Control: escape sequences, also the single-byte ones of C1. Format: direction marks and overrides,
        // byte-order marks, tags. Separators of lines and paragraphs break a line where \n would not.
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => false,
        _ => true,
    };
}
