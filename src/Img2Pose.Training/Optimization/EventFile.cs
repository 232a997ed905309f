using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using Google.Protobuf;

namespace Img2Pose.Training.Optimization;

// By hand: no package on the feed writes TensorBoard's event files, which are two messages and a checksum.
/// <summary>
/// Writes numbers over time as an event file, which TensorBoard shows: a TFRecord file (length and data, each with a masked
/// CRC-32C) of protobuf messages (tensorflow/core/util/event.proto and framework/summary.proto, scalars only).
/// </summary>
internal sealed class EventFile : IDisposable
{
    /// <summary>What the first event of a file says.</summary>
    internal const string Version = "brain.Event:2";

    private const uint MaskDelta = 0xA282EAD8;

    // Field numbers of Event, Summary and Summary.Value.
    private const int WallTime = 1, Step = 2, FileVersion = 3, Summary = 5, SummaryValue = 1, Tag = 1, SimpleValue = 2;

    private readonly FileStream _file;

    private EventFile(FileStream file) => _file = file;

    /// <summary>The file's path.</summary>
    internal string Path => _file.Name;

    /// <summary>Starts a file of its own in a folder that exists, so that a resumed run adds to what is there.</summary>
    /// <exception cref="OutputException">The file cannot be written.</exception>
    internal static EventFile Create(string folder)
    {
        long seconds = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        string name = string.Create(CultureInfo.InvariantCulture, $"events.out.tfevents.{seconds:D10}.{Environment.MachineName}");
        string path = System.IO.Path.Combine(folder, name);
        for (int again = 1; File.Exists(path); again++) path = System.IO.Path.Combine(folder, $"{name}.{again}");
        FileStream file;
        try
        {
            // Readable while it grows: that is how TensorBoard follows a run.
            file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"{path}: cannot be written ({error.Message})", error);
        }
        EventFile events = new(file);
        events.Append(0, output =>
        {
            output.WriteTag(FileVersion, WireFormat.WireType.LengthDelimited);
            output.WriteString(Version);
        });
        return events;
    }

    /// <summary>Adds the values of some scalars at a step; they are in the file when this returns.</summary>
    /// <exception cref="OutputException">The file cannot be written.</exception>
    internal void Write(long step, params IEnumerable<(string Tag, double Value)> scalars)
    {
        byte[] summary = Encode(output =>
        {
            foreach ((string tag, double value) in scalars)
            {
                byte[] scalar = Encode(inner =>
                {
                    inner.WriteTag(Tag, WireFormat.WireType.LengthDelimited);
                    inner.WriteString(tag);
                    inner.WriteTag(SimpleValue, WireFormat.WireType.Fixed32);
                    inner.WriteFloat((float)value);
                });
                output.WriteTag(SummaryValue, WireFormat.WireType.LengthDelimited);
                output.WriteBytes(ByteString.CopyFrom(scalar));
            }
        });
        Append(step, output =>
        {
            output.WriteTag(Summary, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(summary));
        });
    }

    public void Dispose() => _file.Dispose();

    /// <summary>CRC-32C (Castagnoli), rotated and shifted by a constant so that checksums of checksums are harmless.</summary>
    internal static uint MaskedChecksum(ReadOnlySpan<byte> data)
    {
        uint crc = Checksum(data);
        return BitOperations.RotateRight(crc, 15) + MaskDelta;
    }

    /// <summary>CRC-32C (Castagnoli).</summary>
    internal static uint Checksum(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in data) crc = BitOperations.Crc32C(crc, value);
        return ~crc;
    }

    private void Append(long step, Action<CodedOutputStream> what)
    {
        byte[] data = Encode(output =>
        {
            output.WriteTag(WallTime, WireFormat.WireType.Fixed64);
            output.WriteDouble(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1e3);
            output.WriteTag(Step, WireFormat.WireType.Varint);
            output.WriteInt64(step);
            what(output);
        });
        byte[] record = new byte[8 + 4 + data.Length + 4];
        BinaryPrimitives.WriteInt64LittleEndian(record, data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), MaskedChecksum(record.AsSpan(0, 8)));
        data.CopyTo(record, 12);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12 + data.Length), MaskedChecksum(data));
        try
        {
            _file.Write(record);
            _file.Flush();
        }
        catch (IOException error)
        {
            throw new OutputException($"{Path}: cannot be written ({error.Message})", error);
        }
    }

    private static byte[] Encode(Action<CodedOutputStream> write)
    {
        using MemoryStream memory = new();
        using (CodedOutputStream output = new(memory, leaveOpen: true)) write(output);
        return memory.ToArray();
    }
}
