using Img2Pose.Geometry;

namespace Img2Pose.Formats;

/// <summary>One picture of the original's data set: a MessagePack array of picture file, global poses, boxes, local poses and landmarks.</summary>
internal sealed record PoseRecord
{
    /// <summary>The six numbers that stand for "no pose".</summary>
    public const int NoPose = -9;

    /// <summary>The picture file's bytes, as they were on the disk.</summary>
    public required byte[] Picture { get; init; }

    /// <summary>The faces.</summary>
    public required IReadOnlyList<PoseRecordFace> Faces { get; init; }

    /// <summary>The bytes that the original stores.</summary>
    public byte[] Encode()
    {
        PackWriter writer = new();
        writer.ArrayHeader(5);
        writer.Binary(Picture);
        writer.ArrayHeader(Faces.Count);
        foreach (PoseRecordFace face in Faces) WritePose(ref writer, face.GlobalPose);
        writer.ArrayHeader(Faces.Count);
        foreach (PoseRecordFace face in Faces)
        {
            writer.ArrayHeader(4);
            writer.Integer((long)face.Box.Left);
            writer.Integer((long)face.Box.Top);
            writer.Integer((long)face.Box.Right);
            writer.Integer((long)face.Box.Bottom);
        }
        writer.ArrayHeader(Faces.Count);
        foreach (PoseRecordFace face in Faces) WritePose(ref writer, face.LocalPose);
        writer.ArrayHeader(Faces.Count);
        foreach (PoseRecordFace face in Faces)
        {
            writer.ArrayHeader(face.Landmarks.Length);
            foreach (PackedNumber[] point in face.Landmarks)
            {
                writer.ArrayHeader(point.Length);
                foreach (PackedNumber number in point) writer.Number(number);
            }
        }
        return writer.ToArray();
    }

    /// <summary>Reads what <see cref="Encode"/> or the original wrote.</summary>
    /// <param name="data">The value.</param>
    /// <param name="source">File and key, for messages.</param>
    /// <exception cref="InputException">The bytes are no such record.</exception>
    public static PoseRecord Decode(ReadOnlyMemory<byte> data, string source)
    {
        PackReader reader = new(data, source);
        if (reader.ArrayHeader() != 5) throw new InputException($"{source}: not a record of five parts; is this an img2pose data set?");
        byte[] picture = reader.Binary().ToArray();
        int count = reader.ArrayHeader();
        Pose?[] global = new Pose?[count], local = new Pose?[count];
        Box[] boxes = new Box[count];
        PackedNumber[][][] landmarks = new PackedNumber[count][][];
        for (int i = 0; i < count; i++) global[i] = ReadPose(ref reader, source);
        RequireCount(reader.ArrayHeader(), count, "boxes", source);
        for (int i = 0; i < count; i++)
        {
            RequireCount(reader.ArrayHeader(), 4, "numbers of a box", source);
            boxes[i] = new Box(reader.Finite(), reader.Finite(), reader.Finite(), reader.Finite());
        }
        RequireCount(reader.ArrayHeader(), count, "local poses", source);
        for (int i = 0; i < count; i++) local[i] = ReadPose(ref reader, source);
        RequireCount(reader.ArrayHeader(), count, "sets of landmarks", source);
        for (int i = 0; i < count; i++)
        {
            landmarks[i] = new PackedNumber[reader.ArrayHeader()][];
            for (int p = 0; p < landmarks[i].Length; p++)
            {
                int numbers = reader.ArrayHeader();
                if (numbers < 2) throw new InputException($"{source}: a landmark has {numbers} numbers; 2 or more belong there");
                landmarks[i][p] = new PackedNumber[numbers];
                for (int k = 0; k < landmarks[i][p].Length; k++) landmarks[i][p][k] = reader.Number();
            }
        }
        return new PoseRecord
        {
            Picture = picture,
            Faces = [.. Enumerable.Range(0, count).Select(i => new PoseRecordFace(global[i], boxes[i], local[i], landmarks[i]))],
        };
    }

    private static void WritePose(ref PackWriter writer, Pose? pose)
    {
        writer.ArrayHeader(6);
        if (pose is not { } p)
        {
            for (int i = 0; i < 6; i++) writer.Integer(NoPose);
            return;
        }
        writer.Real(p.Rotation.X);
        writer.Real(p.Rotation.Y);
        writer.Real(p.Rotation.Z);
        writer.Real(p.Translation.X);
        writer.Real(p.Translation.Y);
        writer.Real(p.Translation.Z);
    }

    private static Pose? ReadPose(ref PackReader reader, string source)
    {
        RequireCount(reader.ArrayHeader(), 6, "numbers of a pose", source);
        Span<double> p = stackalloc double[6];
        for (int i = 0; i < 6; i++) p[i] = reader.Number().Value;
        if (p.IndexOfAnyExcept(NoPose) < 0) return null;
        Pose pose = new(new Vector3d(p[0], p[1], p[2]), new Vector3d(p[3], p[4], p[5]));
        return pose.IsFinite ? pose : throw new InputException($"{source}: a pose is not finite");
    }

    private static void RequireCount(int count, int expected, string what, string source)
    {
        if (count != expected) throw new InputException($"{source}: {count} {what} where {expected} belong; the data set is damaged");
    }
}

/// <summary>One face of a <see cref="PoseRecord"/>.</summary>
/// <param name="GlobalPose">Pose in the picture, or null.</param>
/// <param name="Box">Box, whole pixels.</param>
/// <param name="LocalPose">Pose relative to the box, or null.</param>
/// <param name="Landmarks">Points of two numbers, or three with a score; −1 anywhere: not annotated.</param>
internal sealed record PoseRecordFace(Pose? GlobalPose, Box Box, Pose? LocalPose, PackedNumber[][] Landmarks);
