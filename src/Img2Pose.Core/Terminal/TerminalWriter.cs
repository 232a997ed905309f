using System.Text;

namespace Img2Pose.Core;

/// <summary>
/// A text writer for people: everything written passes <see cref="TerminalText.Escape(string)"/>, each call goes out at
/// once. Not thread-safe; <see cref="Console.SetError"/> and <see cref="Console.SetOut"/> wrap it so that it is.
/// </summary>
internal sealed class TerminalWriter : TextWriter
{
    private readonly TextWriter _inner;

    /// <summary>Writes to <paramref name="inner"/>, which stays the caller's.</summary>
    public TerminalWriter(TextWriter inner) : base(inner.FormatProvider)
    {
        _inner = inner;
        CoreNewLine = ['\n'];
    }

    /// <inheritdoc/>
    public override Encoding Encoding => _inner.Encoding;

    /// <inheritdoc/>
    public override void Write(char value) => Write([value]);

    /// <inheritdoc/>
    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    /// <inheritdoc/>
    public override void Write(string? value)
    {
        if (value is not null) Write(value.AsSpan());
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<char> buffer)
    {
        if (TerminalText.IsSafe(buffer)) _inner.Write(buffer);
        else _inner.Write(TerminalText.Escape(buffer));
    }

    /// <inheritdoc/>
    // One call, so that lines of several threads do not mix.
    public override void WriteLine(string? value) => Write(value + "\n");

    /// <inheritdoc/>
    public override void WriteLine(ReadOnlySpan<char> buffer) => Write(string.Concat(buffer, "\n"));

    /// <inheritdoc/>
    public override void Flush() => _inner.Flush();
}
