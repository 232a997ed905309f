using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Numerics;
using System.Text;
using Img2Pose.Core;

namespace Img2Pose.Formats;

/// <summary>Writes checkpoints in the zip format that <c>torch.load</c> (1.6 and later) reads.</summary>
public static class CheckpointWriter
{
    /// <summary>
    /// Writes <paramref name="root"/> to a file. Tensors become contiguous; tensors that are the same object are written once.
    /// </summary>
    /// <param name="root">See <see cref="CheckpointDictionary"/> for the types that may occur (64-bit integers only).</param>
    /// <param name="path">The file; it appears only when it is complete.</param>
    /// <exception cref="OutputException">The file cannot be written; an older one of that name is untouched.</exception>
    /// <exception cref="ArgumentException">A value has a type that a checkpoint cannot hold.</exception>
    public static void Save(object? root, string path) =>
        AtomicFile.Write(path, stream => Save(root, stream), durable: true);

    /// <summary>Writes <paramref name="root"/> to a seekable stream, which stays open.</summary>
    public static void Save(object? root, Stream stream)
    {
        List<CheckpointTensor> tensors = [];
        using MemoryStream pickle = new();
        new Pickler(pickle, tensors).Pickle(root);
        using ZipArchive archive = new(stream, ZipArchiveMode.Create, leaveOpen: true);
        // torch maps members into memory and reads none that are compressed.
        Add(archive, "archive/data.pkl", pickle.GetBuffer().AsSpan(0, (int)pickle.Length));
        for (int i = 0; i < tensors.Count; i++)
            Add(archive, "archive/data/" + i.ToString(CultureInfo.InvariantCulture), tensors[i].ToBytes());
        Add(archive, "archive/version", "3\n"u8);
    }

    private static void Add(ZipArchive archive, string name, ReadOnlySpan<byte> bytes)
    {
        using Stream stream = archive.CreateEntry(name, CompressionLevel.NoCompression).Open();
        stream.Write(bytes);
    }

    /// <summary>Protocol 2 without a memo: longer than necessary, and simple.</summary>
    private sealed class Pickler(Stream output, List<CheckpointTensor> tensors)
    {
        public void Pickle(object? root)
        {
            output.Write([0x80, 2]);
            Write(root);
            output.WriteByte((byte)'.');
        }

        private void Write(object? value)
        {
            switch (value)
            {
                case null: Opcode('N'); break;
                case bool flag: output.WriteByte(flag ? (byte)0x88 : (byte)0x89); break;
                case int number: WriteInteger(number); break;
                case long number: WriteInteger(number); break;
                case double number:
                    Span<byte> bits = stackalloc byte[8];
                    BinaryPrimitives.WriteDoubleBigEndian(bits, number);
                    Opcode('G');
                    output.Write(bits);
                    break;
                case string text: WriteText(text); break;
                case object?[] tuple:
                    Opcode('(');
                    foreach (object? item in tuple) Write(item);
                    Opcode('t');
                    break;
                case List<object?> list:
                    Opcode(']');
                    Opcode('(');
                    foreach (object? item in list) Write(item);
                    Opcode('e');
                    break;
                case CheckpointDictionary dictionary:
                    if (dictionary.IsOrdered) WriteEmptyOrderedDictionary();
                    else Opcode('}');
                    Opcode('(');
                    foreach ((object key, object? item) in dictionary.Entries)
                    {
                        Write(key);
                        Write(item);
                    }
                    Opcode('u');
                    break;
                case CheckpointTensor tensor: WriteTensor(tensor); break;
                default: throw new ArgumentException($"A checkpoint cannot hold a {value.GetType().Name}.", nameof(value));
            }
        }

        // _rebuild_tensor_v2((storage by persistent id), offset, size, stride, requires_grad, backward_hooks)
        private void WriteTensor(CheckpointTensor tensor)
        {
            int key = tensors.FindIndex(t => ReferenceEquals(t, tensor));
            if (key < 0)
            {
                key = tensors.Count;
                tensors.Add(tensor);
            }
            WriteGlobal("torch._utils", "_rebuild_tensor_v2");
            Opcode('(');
            Opcode('(');
            WriteText("storage");
            WriteGlobal("torch", tensor.Element.StorageClass());
            WriteText(key.ToString(CultureInfo.InvariantCulture));
            WriteText("cpu");
            WriteInteger(tensor.Count);
            Opcode('t');
            Opcode('Q');
            WriteInteger(0);
            object?[] strides = new object?[tensor.Shape.Count];
            long stride = 1;
            for (int d = strides.Length - 1; d >= 0; d--)
            {
                strides[d] = stride;
                stride *= Math.Max(1, tensor.Shape[d]);
            }
            Write(tensor.Shape.Select(length => (object?)length).ToArray());
            Write(strides);
            Write(tensor.RequiresGradient);
            WriteEmptyOrderedDictionary();
            Opcode('t');
            Opcode('R');
        }

        private void WriteEmptyOrderedDictionary()
        {
            WriteGlobal("collections", "OrderedDict");
            Opcode(')');
            Opcode('R');
        }

        private void WriteInteger(long number)
        {
            if (number is >= int.MinValue and <= int.MaxValue)
            {
                Span<byte> bytes = stackalloc byte[4];
                BinaryPrimitives.WriteInt32LittleEndian(bytes, (int)number);
                Opcode('J');
                output.Write(bytes);
                return;
            }
            byte[] wide = new BigInteger(number).ToByteArray();
            output.WriteByte(0x8a);
            output.WriteByte((byte)wide.Length);
            output.Write(wide);
        }

        private void WriteText(string text)
        {
            byte[] utf8 = Encoding.UTF8.GetBytes(text);
            Span<byte> length = stackalloc byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(length, utf8.Length);
            Opcode('X');
            output.Write(length);
            output.Write(utf8);
        }

        private void WriteGlobal(string module, string name) => output.Write(Encoding.ASCII.GetBytes($"c{module}\n{name}\n"));

        private void Opcode(char opcode) => output.WriteByte((byte)opcode);
    }
}
