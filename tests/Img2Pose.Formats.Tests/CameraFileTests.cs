using Img2Pose.Geometry;

namespace Img2Pose.Formats.Tests;

public class CameraFileTests
{
    private const string Written = """
        %YAML:1.0
        ---
        calibration_time: "Fri 27 Nov 2026 10:00:00"
        image_width: 1280
        image_height: 720
        camera_matrix: !!opencv-matrix
           rows: 3
           cols: 3
           dt: d
           data: [ 9.4012345678e+02, 0., 6.555e+02, 0., 9.32e+02, 3.482e+02, 0.,
               0., 1. ]
        distortion_coefficients: !!opencv-matrix
           rows: 5
           cols: 1
           dt: d
           data: [ -3.1e-01, 1.2e-01, 8.0e-04, -5.0e-04, -2.0e-02 ]
        avg_reprojection_error: 2.3e-01
        """;

    [Fact]
    public void A_calibration_is_read_as_OpenCV_writes_it()
    {
        CameraModel camera = CameraFile.Parse(Written, "camera.yml");

        Assert.Equal((940.12345678, 932, 655.5, 348.2), (camera.FocalX, camera.FocalY, camera.CenterX!.Value, camera.CenterY!.Value));
        Assert.Equal((1280, 720), (camera.Width, camera.Height));
        Assert.Equal([-0.31, 0.12, 0.0008, -0.0005, -0.02], camera.Distortion);
    }

    public static TheoryData<string, string> Broken => new()
    {
        { "", "no camera_matrix" },
        { Written + "\ndistortion_model: equidistant\n", "equidistant is not understood" },
        { Written.Replace("9.4012345678e+02", "nan", StringComparison.Ordinal), "cannot be read" },
        { Written.Replace("9.4012345678e+02", "-1", StringComparison.Ordinal), "is none" },
        { Written.Replace("9.4012345678e+02", "9.4e+202", StringComparison.Ordinal), "no camera has" },
        { Written.Replace("0., 1. ]", "]", StringComparison.Ordinal), "7 numbers" },
        { Written.Replace(", -2.0e-02 ]", ", 1, 2 ]", StringComparison.Ordinal), "6 distortion coefficients" },
        { Written.Replace("1280", "wide", StringComparison.Ordinal), "no size" },
        { Written[..Written.IndexOf("data", StringComparison.Ordinal)], "missing" },
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public void What_is_no_calibration_is_named(string text, string part) =>
        Assert.Contains(part, Assert.Throws<InputException>(() => CameraFile.Parse(text, "camera.yml")).Message);

    [Fact]
    public void Every_beginning_of_a_file_gives_a_camera_or_a_named_error()
    {
        for (int length = 0; length < Written.Length; length++)
        {
            try
            {
                CameraFile.Parse(Written[..length], "camera.yml");
            }
            catch (InputException)
            {
                // As it should be.
            }
        }
    }

    [Fact]
    public void A_file_that_is_not_there_is_named() =>
        Assert.Contains("/nowhere/camera.yml", Assert.Throws<InputException>(() => CameraFile.Load("/nowhere/camera.yml")).Message);
}
