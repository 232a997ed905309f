using Google.Protobuf;
using Img2Pose.Core;

namespace Img2Pose.Formats.Onnx;

/// <summary>Reads and writes ONNX model files.</summary>
public static class OnnxFile
{
    /// <summary>Most bytes of a model file: the protobuf encoding counts in 32 bits, and an array holds a little less.</summary>
    public static long SizeLimit => Array.MaxLength;

    /// <summary>Reads a model.</summary>
    /// <exception cref="ModelException">
    /// The file is absent, unreadable, empty, too large, not an ONNX model, cut short, above a limit, or keeps tensors in other
    /// files, which this program never opens.
    /// </exception>
    public static ModelProto Read(string path)
    {
        byte[] bytes = ReadBytes(path);
        OnnxOutline.Read(bytes, path);
        try
        {
            return ModelProto.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException error)
        {
            // A field of a known number and of another type than the format's.
            throw new ModelException($"{path}: is not an ONNX model, or is damaged ({error.Message}); download or export it again.", error);
        }
    }

    /// <summary>Writes a model; the final name never shows an incomplete file.</summary>
    /// <exception cref="OutputException">The file cannot be written.</exception>
    public static void Write(ModelProto model, string path) => AtomicFile.Write(path, model.WriteTo, durable: true);

    /// <summary>The bytes of a model file. Read, not mapped: a file that is cut while it is mapped ends the process.</summary>
    /// <exception cref="ModelException">The file is absent, a folder, unreadable, empty or too large.</exception>
    internal static byte[] ReadBytes(string path)
    {
        if (Directory.Exists(path)) throw new ModelException($"{path}: is a directory; name a model file (.onnx).");
        try
        {
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            if (!stream.CanSeek) throw new ModelException($"{path}: is no file with an end; name a model file (.onnx).");
            if (stream.Length == 0) throw new ModelException($"{path}: is empty; download or export the model again.");
            if (stream.Length > SizeLimit) throw new ModelException($"{path}: is larger than the limit of {SizeLimit} bytes for a model file.");
            byte[] bytes = GC.AllocateUninitializedArray<byte>((int)stream.Length);
            stream.ReadExactly(bytes);
            return bytes;
        }
        catch (FileNotFoundException error)
        {
            throw new ModelException($"{path}: there is no such model file; 'img2pose models list' shows those known.", error);
        }
        catch (EndOfStreamException error)
        {
            throw new ModelException($"{path}: became shorter while it was read; download or export the model again.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ModelException($"{path}: cannot be read: {TerminalText.Escape(error.Message)}", error);
        }
    }
}
