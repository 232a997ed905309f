using Microsoft.Extensions.Logging;

namespace Img2Pose.Core.Tests;

public sealed class TerminalTests
{
    [Theory]
    [InlineData("plain Größe 面 😀", "plain Größe 面 😀")]
    [InlineData("\u001b[31mred\u0007", "\\x1B[31mred\\x07")]
    [InlineData("\u009b2J", "\\x9B2J")]
    [InlineData("a\rb", "a\\x0Db")]
    [InlineData("gnp.\u202Eexe", "gnp.\\u202Eexe")]
    [InlineData("\u2066x\u2069\u200f", "\\u2066x\\u2069\\u200F")]
    [InlineData("می\u200cخواهم", "می\u200cخواهم")]
    [InlineData("tag \U000E0041", "tag \\U000E0041")]
    [InlineData("two\nlines\tand a tab", "two\nlines\tand a tab")]
    public void What_a_terminal_would_obey_is_spelt_out(string text, string shown) => Assert.Equal(shown, TerminalText.Escape(text));

    // Attributes cannot hold half a character.
    [Fact]
    public void Half_a_character_and_bytes_that_are_no_text_are_spelt_out()
    {
        Assert.Equal("half \\uD800 pair", TerminalText.Escape("half \ud800 pair"));
        Assert.Equal("byte \\xFF", TerminalText.Escape("byte \udcff"));
    }

    [Fact]
    public void A_message_is_one_line_of_bounded_length()
    {
        Assert.Equal("a b c", TerminalText.OneLine(" a\r\n b\n\n\tc "));
        Assert.True(TerminalText.OneLine(new string('x', 1_000_000)).Length <= TerminalText.LongestLine + 1);
    }

    [Fact]
    public void Everything_written_passes_the_filter()
    {
        StringWriter target = new();
        using TerminalWriter writer = new(target);

        writer.Write("\u001b[2J");
        writer.Write('\u001b');
        writer.Write("\u001b".ToCharArray());
        writer.WriteLine("{0}", "\u001b");

        Assert.DoesNotContain('\u001b', target.ToString());
        Assert.EndsWith("\\x1B\n", target.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Standard_error_that_fails_is_silent()
    {
        using FileStream full = new("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        using StandardError.SilentStream stream = new(full);
        Assert.Throws<IOException>(() => full.Write("x"u8));

        stream.Write("x"u8);
        full.Dispose();
        stream.Write("x"u8);
    }

    [Fact]
    public void A_log_event_is_one_safe_line_and_tells_its_number_when_asked()
    {
        StringWriter plain = new(), verbose = new();
        InvalidOperationException error = new("why");
        EventId id = new(EventNumbers.SourceFailed, "SourceFailed");

        foreach ((StringWriter target, bool all) in new[] { (plain, false), (verbose, true) })
        {
            using TerminalLoggerProvider provider = new(target, LogLevel.Warning, all);
            ILogger logger = provider.CreateLogger("Img2Pose.Test");
            logger.Log(LogLevel.Information, id, "not told", null, (state, _) => state);
            logger.Log(LogLevel.Warning, id, "first\n\u001bsecond", error, (state, _) => state);
        }

        Assert.Equal("img2pose: first \\x1Bsecond\n", plain.ToString().ReplaceLineEndings("\n"));
        Assert.Contains("[Img2Pose.Test SourceFailed 2001]", verbose.ToString(), StringComparison.Ordinal);
        Assert.Contains("InvalidOperationException: why", verbose.ToString(), StringComparison.Ordinal);
    }
}
