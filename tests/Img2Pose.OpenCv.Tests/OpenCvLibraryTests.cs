using Img2Pose.Testing;
using OpenCvSharp;

namespace Img2Pose.OpenCv.Tests;

public sealed class OpenCvLibraryTests
{
    [Fact]
    public void A_library_that_is_absent_is_an_error_that_says_how_to_get_it()
    {
        ModelException error = Assert.Throws<ModelException>(() => OpenCvLibrary.Require("libno-such.so.0"));

        Assert.Contains("libno-such.so.0", error.Message, StringComparison.Ordinal);
        Assert.Contains("./run.sh", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_the_check_passes_OpenCV_loads()
    {
        Gtk.Require();

        OpenCvLibrary.Require();

        Assert.StartsWith("4.13", Cv2.GetVersionString());
    }
}
