using Img2Pose.Cli.Running;
using Img2Pose.Inference;

namespace Img2Pose.Cli.Tests;

public class ErrorReportTests
{
    public static TheoryData<Exception, int> Errors => new()
    {
        { new UsageException("u"), 2 },
        { new InputException("i"), 3 },
        { new ModelException("m"), 4 },
        { new OutputException("o"), 1 },
        { new Img2PoseException("b"), 1 },
        { new IOException("disk"), 1 },
        { new InvalidOperationException("bug"), 1 },
        { new DllNotFoundException("libx"), 4 },
        { new AggregateException(new InputException("i")), 3 },
    };

    [Theory]
    [MemberData(nameof(Errors))]
    public void Every_kind_of_error_has_its_exit_code_and_one_line(Exception error, int code)
    {
        StringWriter output = new();

        int actual = ErrorReport.Write(output, error, verbose: false);

        Assert.Equal(code, actual);
        string line = Assert.Single(output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("img2pose: ", line);
    }

    [Fact]
    public void A_message_of_several_lines_becomes_one()
    {
        StringWriter output = new();

        ErrorReport.Write(output, new InputException("first\n  second\r\nthird"), verbose: false);

        Assert.Equal("img2pose: first second third\n", output.ToString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Nobody_sees_a_password(bool verbose)
    {
        StringWriter output = new();

        ErrorReport.Write(output, new InputException("rtsp://me:secret77@host/x: no"), verbose);

        Assert.DoesNotContain("secret77", output.ToString());
        Assert.Contains("rtsp://***@host/x: no", output.ToString());
    }

    [Fact]
    public void The_trace_comes_only_when_asked_for()
    {
        StringWriter output = new();
        try
        {
            throw new InputException("thrown");
        }
        catch (InputException error)
        {
            ErrorReport.Write(output, error, verbose: true);
        }

        Assert.Contains(nameof(The_trace_comes_only_when_asked_for), output.ToString());
    }

    [Fact]
    public void An_unknown_model_is_named_with_those_that_are_known()
    {
        ModelException error = Assert.Throws<ModelException>(() => ModelLocator.Find("no-such-model"));

        Assert.Contains("no-such-model", error.Message);
        Assert.Equal("dir/any.onnx", ModelLocator.Find("dir/any.onnx"));
    }

    [Theory]
    [InlineData(50, 100L, "50 frames, 25.0 fps, 7 faces, 50 %, 2 s left")]
    [InlineData(50, null, "50 frames, 25.0 fps, 7 faces")]
    [InlineData(100, 100L, "100 frames, 50.0 fps, 7 faces, 100 %")]
    [InlineData(120, 100L, "120 frames, 60.0 fps, 7 faces, 100 %")]
    public void Progress_tells_rate_share_and_time_left(long frames, long? total, string text) =>
        Assert.Equal(text, RunProgress.Describe(frames, 7, TimeSpan.FromSeconds(2), total));
}
