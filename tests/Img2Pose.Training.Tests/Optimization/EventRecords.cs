using System.Buffers.Binary;
using Google.Protobuf;
using Img2Pose.Training.Optimization;

namespace Img2Pose.Training.Tests.Optimization;

/// <summary>One message of an event file.</summary>
internal sealed record EventRecord(double WallTime, long Step, string? FileVersion, Dictionary<string, float> Scalars);

/// <summary>Reads event files as TensorBoard would: framing, checksums, messages.</summary>
internal static class EventRecords
{
    internal static List<EventRecord> Read(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        List<EventRecord> records = [];
        for (int at = 0; at < bytes.Length;)
        {
            int length = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(at));
            Assert.Equal(EventFile.MaskedChecksum(bytes.AsSpan(at, 8)), BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 8)));
            ReadOnlySpan<byte> data = bytes.AsSpan(at + 12, length);
            Assert.Equal(EventFile.MaskedChecksum(data), BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 12 + length)));
            records.Add(ReadEvent(data.ToArray()));
            at += 12 + length + 4;
        }
        return records;
    }

    /// <summary>The values of one scalar in all event files of a folder, by step.</summary>
    internal static (long Step, float Value)[] Series(string folder, string tag) =>
    [
        .. Directory.GetFiles(folder, "events.out.tfevents.*").SelectMany(Read).Where(record => record.Scalars.ContainsKey(tag))
            .Select(record => (record.Step, record.Scalars[tag])).OrderBy(point => point.Step),
    ];

    private static EventRecord ReadEvent(byte[] data)
    {
        EventRecord record = new(0, 0, null, []);
        CodedInputStream input = new(data);
        while (input.ReadTag() is not 0 and uint tag)
        {
            switch (WireFormat.GetTagFieldNumber(tag))
            {
                case 1: record = record with { WallTime = input.ReadDouble() }; break;
                case 2: record = record with { Step = input.ReadInt64() }; break;
                case 3: record = record with { FileVersion = input.ReadString() }; break;
                case 5: ReadSummary(input.ReadBytes().ToByteArray(), record.Scalars); break;
                default: Assert.Fail($"unknown tag {tag}"); break;
            }
        }
        return record;
    }

    private static void ReadSummary(byte[] data, Dictionary<string, float> scalars)
    {
        CodedInputStream input = new(data);
        while (input.ReadTag() is not 0 and uint tag)
        {
            Assert.Equal(WireFormat.MakeTag(1, WireFormat.WireType.LengthDelimited), tag);
            CodedInputStream value = new(input.ReadBytes().ToByteArray());
            Assert.Equal(WireFormat.MakeTag(1, WireFormat.WireType.LengthDelimited), value.ReadTag());
            string name = value.ReadString();
            Assert.Equal(WireFormat.MakeTag(2, WireFormat.WireType.Fixed32), value.ReadTag());
            scalars.Add(name, value.ReadFloat());
            Assert.True(value.IsAtEnd);
        }
    }
}
