using System.Globalization;
using System.Numerics;
using System.Text.Json;
using Img2Pose.Formats;
using Img2Pose.Testing;

namespace Img2Pose.Models.Tests.Checkpoints;

/// <summary>Every file of <c>golden/pth</c> is a case of its own, discovered from <c>expected.json</c>.</summary>
public sealed class GoldenCheckpointTests
{
    public static TheoryData<string> Files()
    {
        TheoryData<string> files = [];
        string index = Path.Combine(SharedData.Golden, "pth", "expected.json");
        if (!File.Exists(index))
        {
            files.Add("");
            return files;
        }
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(index));
        foreach (JsonProperty file in document.RootElement.EnumerateObject()) files.Add(file.Name);
        return files;
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void A_checkpoint_gives_its_content_or_a_clear_error(string file)
    {
        string path = SharedData.RequireGolden("pth", file);
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(SharedData.RequireGolden("pth", "expected.json")));
        JsonElement expected = document.RootElement.GetProperty(file);

        if (expected.GetProperty("loads").ValueKind == JsonValueKind.False)
        {
            ModelException error = Assert.Throws<ModelException>(() => Checkpoint.Load(path));
            Assert.StartsWith(path, error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', error.Message);
        }
        else
        {
            object? root = Checkpoint.Load(path).Root;
            foreach (JsonElement entry in expected.GetProperty("content").EnumerateArray()) AssertEntry(entry, root);
        }
        Assert.False(File.Exists("/tmp/pwned"));
    }

    [Theory]
    [InlineData("malicious.pth", "posix.system")]
    [InlineData("unknown_global.pth", "project_private.module.MyThing")]
    [InlineData("short_storage.pth", "storage 0 has 8 bytes where 24 are needed")]
    [InlineData("missing_storage.pth", "lacks the storage 1")]
    [InlineData("empty.pth", "the file is empty")]
    [InlineData("not_a_checkpoint.pth", "neither a zip archive nor a stream that torch.save wrote")]
    public void An_error_says_what_is_wrong(string file, string cause)
    {
        string path = SharedData.RequireGolden("pth", file);

        ModelException error = Assert.Throws<ModelException>(() => Checkpoint.Load(path));

        Assert.Contains(cause, error.Message, StringComparison.Ordinal);
    }

    private static void AssertEntry(JsonElement entry, object? root)
    {
        string path = entry.GetProperty("path").GetString()!;
        object? value = Find(root, path);
        switch (entry.GetProperty("kind").GetString())
        {
            case "dict":
            case "OrderedDict":
                CheckpointDictionary dictionary = Assert.IsType<CheckpointDictionary>(value);
                Assert.Equal(entry.GetProperty("kind").GetString() == "OrderedDict", dictionary.IsOrdered);
                Assert.Equal(
                    entry.GetProperty("keys").EnumerateArray().Select(k => k.GetString()),
                    dictionary.Entries.Select(e => Convert.ToString(e.Key, CultureInfo.InvariantCulture)));
                break;
            case "list": Assert.Equal(entry.GetProperty("len").GetInt32(), Assert.IsType<List<object?>>(value).Count); break;
            case "tuple": Assert.Equal(entry.GetProperty("len").GetInt32(), Assert.IsType<object?[]>(value).Length); break;
            case "NoneType": Assert.Null(value); break;
            case "bool": Assert.Equal(entry.GetProperty("value").GetBoolean(), value); break;
            case "float": Assert.Equal(entry.GetProperty("value").GetDouble(), value); break;
            case "str": Assert.Equal(entry.GetProperty("value").GetString(), value); break;
            case "int":
                Assert.True(value is long or BigInteger);
                Assert.Equal(entry.GetProperty("value").GetRawText(), Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
            case "tensor": AssertTensor(entry, Assert.IsType<CheckpointTensor>(value)); break;
            default: Assert.Fail($"unknown kind at {path}"); break;
        }
    }

    private static void AssertTensor(JsonElement entry, CheckpointTensor tensor)
    {
        Assert.Equal(entry.GetProperty("dtype").GetString(), tensor.Element switch
        {
            TensorElement.Single => "float32",
            TensorElement.Double => "float64",
            TensorElement.Half => "float16",
            TensorElement.BrainHalf => "bfloat16",
            TensorElement.Long => "int64",
            TensorElement.Int => "int32",
            TensorElement.Short => "int16",
            TensorElement.SignedByte => "int8",
            TensorElement.Byte => "uint8",
            _ => "bool",
        });
        Assert.Equal(entry.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64()), tensor.Shape);
        Assert.Equal(entry.GetProperty("stride").EnumerateArray().Select(d => d.GetInt64()), tensor.Strides);
        Assert.Equal(entry.GetProperty("requires_grad").GetBoolean(), tensor.RequiresGradient);
        Assert.Equal(entry.GetProperty("parameter").GetBoolean(), tensor.IsParameter);

        // The raw bytes of the .npy: the last Count × size bytes of the file. bfloat16 is stored there as float32.
        byte[] file = File.ReadAllBytes(SharedData.RequireGolden("pth", "expected", entry.GetProperty("file").GetString()!));
        byte[] actual = tensor.Element == TensorElement.BrainHalf
            ? System.Runtime.InteropServices.MemoryMarshal.AsBytes(tensor.ToSingle().AsSpan()).ToArray()
            : tensor.ToBytes();
        Assert.Equal(file[^actual.Length..], actual);
        Assert.Equal(tensor.Count, NpyArray.Read(SharedData.RequireGolden("pth", "expected", entry.GetProperty("file").GetString()!)).Count);
    }

    // Paths are the keys joined by '/'; the keys of these files hold none.
    private static object? Find(object? root, string path)
    {
        object? value = root;
        foreach (string part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            value = value switch
            {
                CheckpointDictionary dictionary => dictionary.Entries.Single(e => Convert.ToString(e.Key, CultureInfo.InvariantCulture) == part).Value,
                List<object?> list => list[int.Parse(part, CultureInfo.InvariantCulture)],
                object?[] tuple => tuple[int.Parse(part, CultureInfo.InvariantCulture)],
                _ => throw new InvalidOperationException($"'{part}' of '{path}' is not there"),
            };
        }
        return value;
    }
}
