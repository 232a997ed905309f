using Img2Pose.Inference;

namespace Img2Pose.Cuda.Tests;

/// <summary>Finding what ONNX Runtime's CUDA provider wants, with half of it there.</summary>
[Collection(nameof(EmulatorCollection))]
public sealed class CudaLibrariesTests
{
    [Fact]
    public void Half_a_set_is_found_where_pythons_packages_have_it_and_the_rest_is_named()
    {
        Emulator.Load();
        string root = Directory.CreateTempSubdirectory("img2pose-libraries").FullName;
        try
        {
            string lib = Directory.CreateDirectory(Path.Combine(root, "nvidia", "cu13", "lib")).FullName;
            // Any library will do for one that loads; a file that is none is as good as absent.
            File.Copy(Path.Combine(Emulator.Folder, "libnvcuvid.so.1"), Path.Combine(lib, "libcurand.so.10"));
            File.WriteAllText(Path.Combine(lib, "libcufft.so.12"), "not a library");

            IReadOnlyList<CudaLibrary> found = CudaLibraries.Load($"/nowhere:{root}");

            Assert.Equal(Path.Combine(lib, "libcurand.so.10"), found.Single(library => library.Name == "libcurand.so.10").Path);
            Assert.SkipWhen(found.Any(library => library.Name == "libcudnn.so.9" && library.Path is not null), "this machine has CUDA");
            string missing = CudaLibraries.Describe(found)!;
            Assert.Contains("libcufft.so.12, libcudnn.so.9", missing, StringComparison.Ordinal);
            Assert.DoesNotContain("libcurand", missing.Split('(')[0], StringComparison.Ordinal);
            Assert.Contains("pip nvidia-cudnn-cu13", missing, StringComparison.Ordinal);
            Assert.Contains(CudaLibraries.Variable, missing, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    [Fact]
    public void A_whole_set_is_missing_nothing() =>
        Assert.Null(CudaLibraries.Describe([new CudaLibrary("libcudart.so.13", "/somewhere/libcudart.so.13", "pip")]));

    [Theory]
    [InlineData("", false, false, "HEURISTIC")]
    [InlineData("nhwc, tf32", true, true, "HEURISTIC")]
    [InlineData("search", false, false, "EXHAUSTIVE")]
    public void Options_reach_the_provider_by_its_own_names(string names, bool channelsLast, bool tf32, string search)
    {
        using Emulator emulator = new();
        using CudaDevice device = CudaDevice.Open();
        using CudaQueue queue = new(device);

        Dictionary<string, string> values = CudaProviderOptions.Parse(names).ToProvider(queue);

        Assert.Equal(((nuint)queue.Handle).ToString(System.Globalization.CultureInfo.InvariantCulture), values["user_compute_stream"]);
        // ONNX Runtime reads the address only where this is said, too.
        Assert.Equal("1", values["has_user_compute_stream"]);
        Assert.Equal(channelsLast ? "1" : "0", values["prefer_nhwc"]);
        Assert.Equal(tf32 ? "1" : "0", values["use_tf32"]);
        Assert.Equal(search, values["cudnn_conv_algo_search"]);
        Assert.Throws<UsageException>(() => CudaProviderOptions.Parse("fast"));
    }
}
