using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Img2Pose.Testing;

namespace Img2Pose.Models.Tests;

public sealed class GoldenWeightsTests
{
    [Theory]
    [InlineData(18)]
    [InlineData(50)]
    [InlineData(101)]
    public void Generated_weights_are_bit_equal_to_the_golden_ones(int depth)
    {
        string path = SharedData.RequireGolden("weights", $"state_dict_depth{depth}.json");
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
        GoldenWeights weights = new(document.RootElement.GetProperty("seed").GetUInt64());

        List<string> different = [];
        foreach (JsonElement tensor in document.RootElement.GetProperty("tensors").EnumerateArray())
        {
            string name = tensor.GetProperty("name").GetString()!;
            long[] shape = [.. tensor.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64())];
            byte[] bytes = tensor.GetProperty("dtype").GetString() == "int64"
                ? new byte[8]
                : MemoryMarshal.AsBytes(weights.Generate(name, shape).AsSpan()).ToArray();
            if (Convert.ToHexStringLower(SHA256.HashData(bytes)) != tensor.GetProperty("sha256_le_bytes").GetString()) different.Add(name);
        }

        Assert.Empty(different);
    }

    [Fact]
    public void The_uniform_sequence_is_the_example_of_the_golden_set()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(SharedData.RequireGolden("weights", "generator_example.json")));
        JsonElement example = document.RootElement;
        ulong hash = GoldenWeights.Hash(example.GetProperty("name").GetString()!);
        ulong start = hash ^ example.GetProperty("seed").GetUInt64();

        double[] expected = [.. example.GetProperty("u_first6").EnumerateArray().Select(u => u.GetDouble())];
        double[] actual = [.. Enumerable.Range(0, 6).Select(i => GoldenWeights.Uniform(start, i))];

        Assert.Equal(example.GetProperty("fnv1a64_hex").GetString(), hash.ToString("x16", System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(expected, actual);
    }
}
