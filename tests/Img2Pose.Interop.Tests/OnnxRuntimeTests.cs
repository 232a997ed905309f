using Img2Pose.Testing;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Img2Pose.Interop.Tests;

public sealed class OnnxRuntimeTests
{
    [Fact]
    public void The_stand_in_holds_exactly_the_listed_members() =>
        PublicApi.AssertMatches(
            typeof(InferenceSession).Assembly,
            Path.Combine(SharedData.RepositoryRoot, "src/Interop/Microsoft.ML.OnnxRuntime/PublicApi.txt"));

    [Fact]
    public void The_library_is_of_the_mirrored_version() =>
        Assert.StartsWith("1.30.", Environment().GetVersionString(), StringComparison.Ordinal);

    [Fact]
    public void The_cpu_provider_is_listed_last_as_the_fallback_of_all() =>
        Assert.Equal("CPUExecutionProvider", Environment().GetAvailableProviders()[^1]);

    [Fact]
    public void A_tensor_over_an_array_shows_its_shape_and_shares_its_memory()
    {
        Environment();
        float[] data = [1, 2, 3, 4, 5, 6];

        using OrtValue value = OrtValue.CreateTensorValueFromMemory(data, [2, 3]);
        data[4] = 50;
        OrtTensorTypeAndShapeInfo info = value.GetTensorTypeAndShape();

        Assert.Equal(TensorElementType.Float, info.ElementDataType);
        Assert.Equal([2, 3], info.Shape);
        Assert.Equal(6, info.ElementCount);
        Assert.Equal(OnnxValueType.ONNX_TYPE_TENSOR, value.OnnxType);
        Assert.Equal([1, 2, 3, 4, 50, 6], value.GetTensorDataAsSpan<float>().ToArray());
    }

    [Fact]
    public void Reading_a_tensor_as_another_type_is_refused()
    {
        Environment();
        using OrtValue value = OrtValue.CreateTensorValueFromMemory(new long[] { 7 }, [1]);

        OnnxRuntimeException error = Assert.Throws<OnnxRuntimeException>(() => value.GetTensorDataAsSpan<float>().Length);

        Assert.Contains("Int64", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_shape_larger_than_its_memory_is_refused()
    {
        Environment();
        Assert.Throws<OnnxRuntimeException>(() => OrtValue.CreateTensorValueFromMemory(new float[5], [2, 3]));
    }

    [Fact]
    public void A_native_error_carries_the_native_message()
    {
        Environment();
        using SessionOptions options = new();

        OnnxRuntimeException error = Assert.Throws<OnnxRuntimeException>(
            () => new InferenceSession("/nowhere/model.onnx", options));

        Assert.Contains("/nowhere/model.onnx", error.Message, StringComparison.Ordinal);
        Assert.Contains("NoSuchFile", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Session_options_keep_what_was_set()
    {
        Environment();
        using SessionOptions options = new()
        {
            IntraOpNumThreads = 2,
            ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
            EnableCpuMemArena = false,
            EnableMemoryPattern = false,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };
        options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");

        Assert.Equal(2, options.IntraOpNumThreads);
        Assert.Equal(GraphOptimizationLevel.ORT_ENABLE_EXTENDED, options.GraphOptimizationLevel);
        Assert.False(options.EnableCpuMemArena);
        Assert.False(options.EnableMemoryPattern);
    }

    [Fact]
    public void Outputs_that_were_disposed_of_serve_the_next_run_and_others_stay_valid()
    {
        Environment();
        using SessionOptions options = new();
        using InferenceSession session = new(IdentityModel(), options);
        using OrtIoBinding binding = session.CreateIoBinding();
        using RunOptions run = new();
        float[] data = [1, 2, 3];
        using OrtValue input = OrtValue.CreateTensorValueFromMemory(data, [3]);
        binding.BindInput("x", input);

        IDisposableReadOnlyCollection<OrtValue> first = Run();
        OrtValue value = first[0];
        first.Dispose();
        Assert.Throws<ObjectDisposedException>(() => value.GetTensorDataAsSpan<float>().Length);
        data[0] = 10;
        using IDisposableReadOnlyCollection<OrtValue> second = Run();
        data[0] = 20;
        using IDisposableReadOnlyCollection<OrtValue> third = Run();

        Assert.Same(first, second);
        Assert.NotSame(second, third);
        Assert.Equal([10, 2, 3], second[0].GetTensorDataAsSpan<float>().ToArray());
        Assert.Equal([20, 2, 3], Assert.Single(third).GetTensorDataAsSpan<float>().ToArray());

        IDisposableReadOnlyCollection<OrtValue> Run()
        {
            binding.ClearBoundOutputs();
            binding.BindOutputToDevice("y", OrtMemoryInfo.DefaultInstance);
            session.RunWithBinding(run, binding);
            return binding.GetOutputValues();
        }
    }

    /// <summary>The graph y = x on a vector of floats: a ModelProto of the ONNX specification, field by field.</summary>
    private static byte[] IdentityModel()
    {
        byte[] vector = Message(2, Message(1, [0x08, 1, .. Message(2, Message(1, Message(2, "n"u8)))]));
        byte[] node = [.. Message(1, "x"u8), .. Message(2, "y"u8), .. Message(4, "Identity"u8)];
        byte[] graph =
        [
            .. Message(1, node), .. Message(2, "g"u8), .. Message(11, [.. Message(1, "x"u8), .. vector]),
            .. Message(12, [.. Message(1, "y"u8), .. vector]),
        ];
        return [0x08, 8, .. Message(7, graph), .. Message(8, [0x10, 13])];

        static byte[] Message(int field, ReadOnlySpan<byte> content) => [(byte)(field << 3 | 2), (byte)content.Length, .. content];
    }

    private static OrtEnv Environment()
    {
        try
        {
            return OrtEnv.Instance();
        }
        catch (DllNotFoundException error)
        {
            Assert.Skip(error.Message);
            throw;
        }
    }
}
