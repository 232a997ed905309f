using System.Buffers.Binary;
using System.Text;

namespace Img2Pose.Monitor.Live;

/// <summary>One coded picture of a stream, as mp4 holds it.</summary>
/// <param name="Data">Its units with lengths.</param>
/// <param name="IsKey">Whether decoding can begin here.</param>
/// <param name="Time">When it is decoded, in ticks of <see cref="Mp4Fragments.TimeScale"/>; rises from one to the next.</param>
/// <param name="Delay">How much later it is shown, in ticks.</param>
/// <param name="Capture">When it was taken, a timestamp of the monotonic clock.</param>
internal sealed record CodedSample(byte[] Data, bool IsKey, long Time, int Delay, long Capture);

/// <summary>
/// Writes video as fragmented mp4 (ISO/IEC 14496-12): a header without pictures, and a fragment for each picture, which is of use as soon
/// as it is there: <c>empty_moov+default_base_moof+frag_every_frame</c>, as FFmpeg calls it.
/// </summary>
internal static class Mp4Fragments
{
    /// <summary>Ticks a second.</summary>
    public const int TimeScale = 90_000;

    private const uint TrackId = 1;

    /// <summary>The header: what the stream is, no picture.</summary>
    public static byte[] Header(H264Header stream)
    {
        BoxWriter to = new(1024);
        using (to.Box("ftyp"))
        {
            to.Text("iso5");
            to.U32(0x200);
            to.Text("iso5iso6mp41");
        }
        using (to.Box("moov"))
        {
            using (to.FullBox("mvhd", 0, 0))
            {
                to.Zeros(8);
                to.U32(TimeScale);
                to.U32(0);
                to.U32(0x00010000);
                to.U16(0x0100);
                to.Zeros(10);
                to.Matrix();
                to.Zeros(24);
                to.U32(TrackId + 1);
            }
            using (to.Box("trak"))
            {
                // Enabled, in the movie, in its preview.
                using (to.FullBox("tkhd", 0, 7))
                {
                    to.Zeros(8);
                    to.U32(TrackId);
                    to.Zeros(4 + 4 + 8 + 2 + 2 + 2 + 2);
                    to.Matrix();
                    to.U32((uint)stream.Width << 16);
                    to.U32((uint)stream.Height << 16);
                }
                Media(to, stream);
            }
            using (to.Box("mvex"))
            {
                using (to.FullBox("trex", 0, 0))
                {
                    to.U32(TrackId);
                    to.U32(1);
                    to.Zeros(12);
                }
            }
        }
        return to.ToArray();
    }

    /// <summary>A fragment with one picture.</summary>
    /// <param name="sample">The picture.</param>
    /// <param name="sequence">Number of the fragment, rising.</param>
    /// <param name="time">When it is decoded, ticks from the beginning.</param>
    /// <param name="duration">Ticks until the next one.</param>
    public static byte[] Fragment(CodedSample sample, uint sequence, long time, int duration)
    {
        BoxWriter to = new(sample.Data.Length + 128);
        int offset;
        using (to.Box("moof"))
        {
            using (to.FullBox("mfhd", 0, 0)) to.U32(sequence);
            using (to.Box("traf"))
            {
                // The base is the fragment's own beginning.
                using (to.FullBox("tfhd", 0, 0x020000)) to.U32(TrackId);
                using (to.FullBox("tfdt", 1, 0)) to.U64((ulong)time);
                // Offset, duration, size, flags and delay of the one picture.
                using (to.FullBox("trun", 0, 0x000f01))
                {
                    to.U32(1);
                    offset = to.Length;
                    to.U32(0);
                    to.U32((uint)Math.Max(1, duration));
                    to.U32((uint)sample.Data.Length);
                    // Depends on no other, or depends on others and is no place to begin.
                    to.U32(sample.IsKey ? 0x02000000u : 0x01010000u);
                    to.U32((uint)sample.Delay);
                }
            }
        }
        to.Patch(offset, (uint)to.Length + 8);
        using (to.Box("mdat")) to.Bytes(sample.Data);
        return to.ToArray();
    }

    private static void Media(BoxWriter to, H264Header stream)
    {
        using (to.Box("mdia"))
        {
            using (to.FullBox("mdhd", 0, 0))
            {
                to.Zeros(8);
                to.U32(TimeScale);
                to.U32(0);
                // Undetermined language.
                to.U16(0x55c4);
                to.U16(0);
            }
            using (to.FullBox("hdlr", 0, 0))
            {
                to.U32(0);
                to.Text("vide");
                to.Zeros(12);
                to.Text("video\0");
            }
            using (to.Box("minf"))
            {
                using (to.FullBox("vmhd", 0, 1)) to.Zeros(8);
                using (to.Box("dinf"))
                using (to.FullBox("dref", 0, 0))
                {
                    to.U32(1);
                    using (to.FullBox("url ", 0, 1))
                    {
                    }
                }
                using (to.Box("stbl"))
                {
                    using (to.FullBox("stsd", 0, 0))
                    {
                        to.U32(1);
                        Entry(to, stream);
                    }
                    foreach (string table in (ReadOnlySpan<string>)["stts", "stsc", "stco"])
                    {
                        using (to.FullBox(table, 0, 0)) to.U32(0);
                    }
                    using (to.FullBox("stsz", 0, 0)) to.Zeros(8);
                }
            }
        }
    }

    private static void Entry(BoxWriter to, H264Header stream)
    {
        using (to.Box("avc1"))
        {
            to.Zeros(6);
            to.U16(1);
            to.Zeros(16);
            to.U16((ushort)stream.Width);
            to.U16((ushort)stream.Height);
            // 72 dots an inch, one picture a sample, no name, 24 bits, no colour table.
            to.U32(0x00480000);
            to.U32(0x00480000);
            to.U32(0);
            to.U16(1);
            to.Zeros(32);
            to.U16(0x18);
            to.U16(0xffff);
            using (to.Box("avcC")) to.Bytes(stream.Configuration);
        }
    }

    /// <summary>Writes boxes whose sizes are filled in when they end.</summary>
    private sealed class BoxWriter(int capacity)
    {
        private byte[] _bytes = new byte[capacity];

        public int Length { get; private set; }

        public byte[] ToArray() => _bytes.Length == Length ? _bytes : _bytes.AsSpan(0, Length).ToArray();

        public End Box(string type)
        {
            int begin = Length;
            U32(0);
            Text(type);
            return new End(this, begin);
        }

        public End FullBox(string type, byte version, uint flags)
        {
            End end = Box(type);
            U32((uint)version << 24 | flags);
            return end;
        }

        public void U16(ushort value) => BinaryPrimitives.WriteUInt16BigEndian(Take(2), value);

        public void U32(uint value) => BinaryPrimitives.WriteUInt32BigEndian(Take(4), value);

        public void U64(ulong value) => BinaryPrimitives.WriteUInt64BigEndian(Take(8), value);

        public void Zeros(int count) => Take(count).Clear();

        public void Bytes(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

        public void Text(string text) => Encoding.ASCII.GetBytes(text, Take(text.Length));

        public void Matrix()
        {
            foreach (uint value in (ReadOnlySpan<uint>)[0x00010000, 0, 0, 0, 0x00010000, 0, 0, 0, 0x40000000]) U32(value);
        }

        public void Patch(int at, uint value) => BinaryPrimitives.WriteUInt32BigEndian(_bytes.AsSpan(at), value);

        private Span<byte> Take(int count)
        {
            if (Length + count > _bytes.Length) Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, Length + count));
            Span<byte> part = _bytes.AsSpan(Length, count);
            Length += count;
            return part;
        }

        public readonly struct End(BoxWriter writer, int begin) : IDisposable
        {
            public void Dispose() => writer.Patch(begin, (uint)(writer.Length - begin));
        }
    }
}
