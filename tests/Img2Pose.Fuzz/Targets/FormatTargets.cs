using System.Globalization;
using System.IO.Compression;
using System.Numerics;
using System.Text;
using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Rendering.Meshes;
using Img2Pose.Testing;

namespace Img2Pose.Fuzz;

/// <summary>Checkpoints of both containers, read as the importer does.</summary>
internal sealed class CheckpointTarget : FuzzTarget
{
    public override string Name => "checkpoint";

    public override IEnumerable<byte[]> Seeds()
    {
        CheckpointDictionary model = new(isOrdered: true);
        model.Set("w", CheckpointTensor.FromSingle([1.5f, -2f, 0, 7f, 1, 2], 2, 3));
        model.Set("n", CheckpointTensor.FromInt64([42L]));
        CheckpointDictionary root = new();
        root.Set("fpn_model", model);
        root.Set("epoch", 7L);
        root.Set("rates", new List<object?> { 0.001, new object?[] { true, null, "naïve" } });
        using MemoryStream saved = new();
        CheckpointWriter.Save(root, saved);
        yield return saved.ToArray();

        // The same, its members compressed, as a packer does it.
        saved.Position = 0;
        using MemoryStream packed = new();
        using (ZipArchive from = new(saved, ZipArchiveMode.Read, leaveOpen: true))
        using (ZipArchive to = new(packed, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (ZipArchiveEntry entry in from.Entries)
            {
                using Stream content = entry.Open(), copy = to.CreateEntry(entry.FullName).Open();
                content.CopyTo(copy);
            }
        }
        yield return packed.ToArray();
        yield return PickleSeeds.Legacy();
    }

    public override int Run(byte[] input)
    {
        using MemoryStream stream = new(input, writable: false);
        Checkpoint checkpoint = Checkpoint.Load(stream, "input.pth");
        int tensors = 0;
        if (checkpoint.Root is CheckpointDictionary root)
        {
            foreach ((object key, object? value) in root.Entries)
            {
                if (!root.TryGet(key, out _)) throw new InvalidOperationException("A key is lost.");
                IEnumerable<object?> inner = value is CheckpointDictionary nested ? nested.Entries.Select(entry => entry.Value) : [value];
                foreach (CheckpointTensor tensor in inner.OfType<CheckpointTensor>().Take(20))
                {
                    if (tensor.ToSingle().Length != tensor.Count) throw new InvalidOperationException("A tensor has another length.");
                    tensors++;
                }
            }
        }
        return HashCode.Combine(checkpoint.Root?.GetType().Name, tensors);
    }
}

/// <summary>The opcodes of a pickle alone, without the container that most mutations would break.</summary>
internal sealed class PickleTarget : FuzzTarget
{
    public override string Name => "pickle";

    public override IEnumerable<byte[]> Seeds() => PickleSeeds.Pickles();

    public override int Run(byte[] input)
    {
        using MemoryStream archive = new();
        using (ZipArchive zip = new(archive, ZipArchiveMode.Create, leaveOpen: true))
        {
            Add("a/data.pkl", input);
            Add("a/data/0", new byte[64]);

            void Add(string name, byte[] bytes)
            {
                using Stream member = zip.CreateEntry(name, CompressionLevel.NoCompression).Open();
                member.Write(bytes);
            }
        }
        archive.Position = 0;
        Checkpoint checkpoint = Checkpoint.Load(archive, "input.pth");
        if (checkpoint.Root is CheckpointTensor tensor) return (int)Math.Min(9, tensor.ToSingle().Length);
        return HashCode.Combine(checkpoint.Root?.GetType().Name);
    }
}

internal static class PickleSeeds
{
    public static IEnumerable<byte[]> Pickles()
    {
        yield return Bytes("\u0080\u0002}q\0X\u0001\0\0\0aq\u0001K\u0005s.");
        yield return Bytes("\u0080\u0002" + Tensor() + ".");
        yield return Bytes("\u0080\u0002ccollections\nOrderedDict\nq\0)Rq\u0001(X\u0001\0\0\0w" + Tensor() + "X\u0001\0\0\0bNu}X\u0009\0\0\0_metadataNsb.");
        yield return Bytes("\u0080\u0002](K\u0001M\u0001\u0002J\u0001\0\0\0\u008a\u0002\u0001\u0001G?\u00f0\0\0\0\0\0\0\u0088\u0089NU\u0003abc(tt(le.");
        yield return Bytes("\u0080\u0004\u0095\u0010\0\0\0\0\0\0\0]\u0094(\u008c\u0001a\u0094h\0K\u0001\u0085\u0094K\u0001K\u0002\u0086K\u0001K\u0002K\u0003\u0087e.");
        yield return Bytes("\u0080\u0002](X\u0001\0\0\0aK\u0001\u0086X\u0001\0\0\0bK\u0002\u0086eq\u00010ccollections\nOrderedDict\nh\u0001\u0085R.");
    }

    public static byte[] Legacy() => Bytes(
        "\u0080\u0002\u008a\u000al\u00fc\u009cF\u00f9 j\u00a8P\u0019.\u0080\u0002M\u00e9\u0003.\u0080\u0002}q\0(X\u0010\0\0\0protocol_versionM\u00e9\u0003X\u000d\0\0\0little_endian\u0088u."
        + "\u0080\u0002" + Tensor() + ".\u0080\u0002]X\u0001\0\0\00a." + "\u0006\0\0\0\0\0\0\0" + new string('\0', 24));

    // _rebuild_tensor_v2(('storage', FloatStorage, '0', 'cpu', 6), 0, (2, 3), (3, 1), False, OrderedDict())
    private static string Tensor() =>
        "ctorch._utils\n_rebuild_tensor_v2\n((X\u0007\0\0\0storagectorch\nFloatStorage\nX\u0001\0\0\00X\u0003\0\0\0cpuK\u0006tQK\0K\u0002K\u0003\u0086K\u0003K\u0001\u0086\u0089ccollections\nOrderedDict\n)RtR";

    private static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);
}

/// <summary>Files of arrays in the form of safetensors: training's own.</summary>
internal sealed class SafetensorsTarget : FileTarget
{
    public override string Name => "safetensors";

    protected override string Extension => ".safetensors";

    public override IEnumerable<byte[]> Seeds()
    {
        string path = Path.Combine(Workspace.Folder, "seed.safetensors");
        SafetensorsFile.Write(path, [new("a.weight", [2, 3], [0, 1, 2, 3, 4, 5]), new("scalar", [], [1]), new("none", [0, 4], [])], new Dictionary<string, string> { ["step"] = "7" });
        yield return File.ReadAllBytes(path);
        SafetensorsFile.Write(path, [new("h", [4], [0, 1, 2, 3])], new Dictionary<string, string>(), half: true);
        yield return File.ReadAllBytes(path);
    }

    protected override int Run(string path) => SafetensorsFile.Read(path).Arrays.Count;
}

/// <summary>NumPy arrays, and every way to take their elements.</summary>
internal sealed class NpyTarget : FileTarget
{
    public override string Name => "npy";

    protected override string Extension => ".npy";

    public override IEnumerable<byte[]> Seeds()
    {
        string path = Path.Combine(Workspace.Folder, "seed.npy");
        NpyArray.Write(path, [1.5f, -2f, 0, 1, 1, 2], 2, 3);
        byte[] singles = File.ReadAllBytes(path);
        yield return singles;
        yield return Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(singles).Replace("False", "True ", StringComparison.Ordinal));
        yield return Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(singles).Replace("<f4", ">i2", StringComparison.Ordinal));
        yield return Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(singles).Replace("<f4", "|b1", StringComparison.Ordinal));
        NpyArray.Write(path, [1L, long.MaxValue, -3], 3, 1);
        yield return File.ReadAllBytes(path);
        yield return Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(File.ReadAllBytes(path)).Replace("<i8", "<u8", StringComparison.Ordinal));
    }

    protected override int Run(string path)
    {
        NpyArray array = NpyArray.Read(path);
        int count = array.ToDoubles().Length + array.ToSingles().Length;
        if (array.ElementType[0] != 'f') count += array.ToInt64s().Length + array.ToInt32s().Length;
        return HashCode.Combine(array.ElementType, array.Shape.Length, count == 0);
    }
}

/// <summary>MATLAB files.</summary>
internal sealed class MatTarget : FuzzTarget
{
    public override string Name => "mat";

    public override IEnumerable<byte[]> Seeds()
    {
        yield return new MatBuilder().Doubles("x", [2, 3], [1, 2, 3, 4, 5, 6]).SmallUInt16("s", 7).ToArray();
        yield return new MatBuilder(true).Doubles("y", [1, 2], [1, 2]).Compressed(inner => inner.Doubles("z", [2, 2], [1, 2, 3, 4])).ToArray();
    }

    public override int Run(byte[] input)
    {
        MatFile file = MatFile.Parse(input, "input.mat");
        int kinds = 0;
        foreach (string name in file.Names)
        {
            try
            {
                kinds += file.Numbers(name).Data.Length > 0 ? 1 : 2;
            }
            catch (InputException)
            {
                kinds += 100;
            }
        }
        return kinds;
    }
}

/// <summary>OBJ meshes.</summary>
internal class ObjTarget : FileTarget
{
    public override string Name => "obj";

    protected override string Extension => ".obj";

    public override IEnumerable<byte[]> Seeds()
    {
        yield return "# face\no f\nv -1 1 0.5\nv 1 1 .5\nv 1 -1 0.5\nv -1 -1 0.5\nvt 0 0\nvn 0 0 1\nf 1/1/1 4/1/1 3/1/1 2//1\nf -1 -2 -3\n"u8.ToArray();
        yield return Head(12, 9);
    }

    /// <summary>A half cylinder with a nose, enough of a face to be fitted.</summary>
    protected static byte[] Head(int columns, int rows)
    {
        StringBuilder text = new();
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                double angle = (column / (columns - 1.0) - 0.5) * 2.4, y = 0.9 - 1.8 * row / (rows - 1);
                double radius = 0.75 + 0.1 * Math.Exp(-8 * (angle * angle + y * y));
                text.Append(CultureInfo.InvariantCulture, $"v {radius * Math.Sin(angle):F4} {y:F4} {radius * Math.Cos(angle) - 0.1:F4}\n");
            }
        }
        for (int row = 0; row + 1 < rows; row++)
        {
            for (int column = 0; column + 1 < columns; column++)
            {
                int a = row * columns + column + 1;
                text.Append(CultureInfo.InvariantCulture, $"f {a} {a + columns} {a + columns + 1} {a + 1}\n");
            }
        }
        return Encoding.ASCII.GetBytes(text.ToString());
    }

    protected override int Run(string path)
    {
        FaceMesh mesh = MeshFile.Load(path);
        return HashCode.Combine(BitOperations.Log2((uint)mesh.Positions.Length), BitOperations.Log2((uint)mesh.Triangles.Length));
    }
}

/// <summary>The fit of a surface to a mesh; a second an input where the mesh is a face, so it tries few.</summary>
internal sealed class FitTarget : ObjTarget
{
    public override string Name => "fit";

    public override (long Fixed, long PerByte) Memory => (128L << 20, 512);

    public override double Seconds => 30;

    public override int LargestInput => 1 << 15;

    public override IEnumerable<byte[]> Seeds()
    {
        yield return Head(12, 9);
    }

    protected override int Run(string path) => FaceSurfaceFitter.Fit(MeshFile.Load(path), ReferenceFace.Default).Rows;
}

/// <summary>Face surfaces, and their levels of detail.</summary>
internal sealed class SurfaceTarget : FuzzTarget
{
    public override string Name => "surface";

    public override IEnumerable<byte[]> Seeds()
    {
        const int half = 13, rows = 13, count = half * rows;
        yield return new FaceSurface(new FaceSurfaceSamples
        {
            HalfColumns = half,
            Rows = rows,
            AxisZ = 0.2f,
            MaximumTheta = 1.2f,
            MinimumY = -0.9f,
            MaximumY = 0.9f,
            MinimumRadius = 0.6f,
            MaximumRadius = 1,
            Theta = Numbers(i => (ushort)(i % half * 5000)),
            Y = Numbers(i => (ushort)(i / half * 5000)),
            Radius = Numbers(i => (ushort)(i * 300)),
            Weight = [.. Enumerable.Range(0, count).Select(i => (byte)i)],
            Openness = [.. Enumerable.Repeat((byte)200, count)],
            Points = new Vector3[73],
        }).Encode();

        ushort[] Numbers(Func<int, ushort> at) => [.. Enumerable.Range(0, count).Select(at)];
    }

    public override int Run(byte[] input)
    {
        FaceSurface surface = FaceSurface.Decode(input, "input.bin");
        int triangles = 0;
        foreach (FaceMesh level in surface.Levels()) triangles += level.Triangles.Length;
        return HashCode.Combine(surface.Rows, surface.HalfColumns, BitOperations.Log2((uint)triangles));
    }
}

/// <summary>LMDB files with the original's records: pages, keys and records.</summary>
internal sealed class LmdbTarget : FileTarget
{
    public override string Name => "lmdb";

    protected override string Extension => ".lmdb";

    public override IEnumerable<byte[]> Seeds()
    {
        yield return Make(3, 50);
        yield return Make(40, 300);
        yield return Make(2, 9000);
    }

    /// <summary>A data base of <paramref name="count"/> records with pictures of <paramref name="size"/> bytes.</summary>
    private static byte[] Make(int count, int size)
    {
        string path = Path.Combine(Workspace.Folder, "seed.lmdb");
        try
        {
            using LmdbWriter writer = LmdbWriter.Create(path, 1 << 20);
            PackWriter keys = new();
            keys.ArrayHeader(count);
            for (int i = 0; i < count; i++)
            {
                string key = i.ToString(CultureInfo.InvariantCulture);
                keys.Binary(Encoding.ASCII.GetBytes(key));
                writer.Put(key, MessagePackTarget.Record(size));
            }
            writer.Put("__keys__", keys.ToArray());
            writer.Complete();
        }
        catch (ModelException error)
        {
            throw new TargetUnavailableException(error.Message);
        }
        return File.ReadAllBytes(path);
    }

    protected override int Run(string path)
    {
        int faces = 0, records = 0;
        foreach ((string key, PoseRecord record) in PoseDatabase.ReadFile(path))
        {
            PlainName.Require(key, path);
            records++;
            faces += record.Faces.Count;
        }
        return HashCode.Combine(BitOperations.Log2((uint)records), BitOperations.Log2((uint)faces));
    }
}

/// <summary>Records of MessagePack.</summary>
internal sealed class MessagePackTarget : FuzzTarget
{
    public override string Name => "msgpack";

    public override IEnumerable<byte[]> Seeds()
    {
        yield return Record(10);
        yield return Record(300);
    }

    /// <summary>A record of two faces, one of them without a pose.</summary>
    public static byte[] Record(int size)
    {
        PackedNumber[][] landmarks = [.. Enumerable.Range(0, 5).Select(i => (PackedNumber[])[PackedNumber.Integer(i), PackedNumber.Real(i + 0.5)])];
        Pose pose = new(new Vector3d(0.1, 0.2, 0), new Vector3d(0, 0, 5));
        return new PoseRecord
        {
            Picture = new byte[size],
            Faces = [new PoseRecordFace(pose, new Box(1, 2, 30, 40), pose, landmarks), new PoseRecordFace(null, new Box(5, 5, 9, 300), null, [])],
        }.Encode();
    }

    public override int Run(byte[] input)
    {
        PoseRecord record = PoseRecord.Decode(input, "input");
        return HashCode.Combine(record.Faces.Count, record.Encode().Length > 0);
    }
}

/// <summary>Annotation packs.</summary>
internal sealed class AnnotationTarget : FileTarget
{
    public override string Name => "annotations";

    protected override string Extension => ".jsonl";

    public override IEnumerable<byte[]> Seeds()
    {
        yield return Encoding.UTF8.GetBytes("""
            {"image":"images/0.png","width":640,"height":480,"set":"s","complete":true,"faces":[]}
            {"image":"images/1.png","width":640,"height":480,"set":"s","complete":false,"faces":[{"box":[10,10,60,70],"pose":[0.1,0.2,0,0.5,0.1,6],"label":"gt5","ignore":false,"landmarks":[[1,2],[3,4],[5,6],[7,8],[9,1]],"score":0.5,"gt_box":[1,2,3,4],"yaw_gt":3.0},{"box":[1,1,6,7],"pose":null,"label":"gtbox","ignore":true}]}
            """);
    }

    protected override int Run(string path)
    {
        AnnotatedImage[] images = AnnotationPackReader.Load(path);
        return HashCode.Combine(images.Length, images.Sum(image => image.Faces.Count), images.Any(image => image.Complete));
    }
}
