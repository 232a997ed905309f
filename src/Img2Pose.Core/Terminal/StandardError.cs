using System.Runtime.InteropServices;
using System.Text;

namespace Img2Pose.Core;

/// <summary>
/// The one way to standard error. A job does not end because nobody can be told how it goes: where the disk under standard
/// error is full, it is closed, or its terminal has gone, what is written is lost and the job goes on.
/// </summary>
internal static partial class StandardError
{
    private static readonly Lazy<TextWriter> s_raw = new(() => TextWriter.Synchronized(new StreamWriter(
        IsOpen ? new SilentStream(Console.OpenStandardError()) : Stream.Null, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), bufferSize: 512)
    { AutoFlush = true }));

    private const int Descriptor = 2, GetDescriptorFlags = 1, CloseOnExec = 1;

    /// <summary>
    /// Whether the process was started with it. Where it was not, a file of the runtime's or of the job's may have its number,
    /// and messages would go into that; unlike what is inherited those are closed on exec.
    /// </summary>
    private static bool IsOpen => Control(Descriptor, GetDescriptorFlags) is var flags and >= 0 && (flags & CloseOnExec) == 0;

    /// <summary>For text that brings its own escape sequences, such as a progress bar. Thread-safe.</summary>
    public static TextWriter Raw => s_raw.Value;

#pragma warning disable RS0030 // Here, and only here, the console's own streams are taken and replaced.
    /// <summary>Makes <see cref="Console.Error"/> safe text that fails in silence, and <see cref="Console.Out"/> safe text.</summary>
    public static void Install()
    {
        Console.SetError(new TerminalWriter(Raw));
        Console.SetOut(new TerminalWriter(Console.Out));
    }
#pragma warning restore RS0030

    /// <summary>Writes over the current line of a terminal; the next call writes over this.</summary>
    public static void Status(string text) => Raw.Write("\r" + TerminalText.OneLine(text));

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int descriptor, int command);

    /// <summary>A stream whose writes cannot fail.</summary>
    internal sealed class SilentStream(Stream inner) : Stream
    {
        /// <inheritdoc/>
        public override bool CanRead => false;

        /// <inheritdoc/>
        public override bool CanSeek => false;

        /// <inheritdoc/>
        public override bool CanWrite => true;

        /// <inheritdoc/>
        public override long Length => throw new NotSupportedException();

        /// <inheritdoc/>
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        /// <inheritdoc/>
        public override void Write(ReadOnlySpan<byte> buffer)
        {
            try
            {
                inner.Write(buffer);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or ObjectDisposedException or NotSupportedException)
            {
                // ENOSPC, EPIPE, EIO, EBADF: there is nobody to tell.
            }
        }

        /// <inheritdoc/>
        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        /// <inheritdoc/>
        public override void Flush()
        {
            // Nothing is held back.
        }

        /// <inheritdoc/>
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        /// <inheritdoc/>
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        /// <inheritdoc/>
        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
