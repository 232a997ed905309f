using System.Globalization;
using System.Text.RegularExpressions;
using Img2Pose.Geometry;
using Img2Pose.Rendering.Overlay;
using Img2Pose.Rendering.Windows;

namespace Img2Pose.Rendering.Tests;

/// <summary>The words of a window, and which of them give way where there is little room.</summary>
public sealed class WindowStatusTests : IDisposable
{
    private const float Unit = 1.7f;

    private static readonly WindowView s_view = new(OverlayLayers.Mesh, 0.85f, Mirror: false);

    private readonly OverlayRenderer _renderer = OverlayRenderer.Create();

    public void Dispose() => _renderer.Dispose();

    [Fact]
    public void A_face_is_told_as_the_users_camera_sees_it()
    {
        Pose pose = new(new Vector3d(0.1, 0.15, 0.05), new Vector3d(1.5, -0.2, 8));
        TrackedFace face = new(3, new FaceDetection(new Box(480, 160, 580, 280), 1, pose), pose, Detected: true);
        CameraView camera = new(fieldOfView: 60);

        string told = FaceText(face, (of, width, height) => Measured(camera, of, width, height)), plain = FaceText(face, null);

        EulerAngles angles = EulerAngles.FromRotationVector(camera.Express(pose, 640, 480).Rotation);
        double metres = camera.Millimetres(camera.Express(pose, 640, 480)).Length / 1000;
        Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"  #3  yaw {angles.Yaw:+0;-0;0} pitch {angles.Pitch:+0;-0;0} roll {angles.Roll:+0;-0;0}  {metres:0.00} m"), told);
        Assert.EndsWith("  z 8.0", plain, StringComparison.Ordinal);
        // 210 pixels beside the middle are seen at 10.6° with the assumed focal length of 1120 pixels, at 20.7° with the 554 of this
        // camera: a face that looks the same is turned by as much more.
        Assert.InRange(Math.Abs(Yaw(told) - Yaw(plain)), 8, 13);

        static (Pose, double) Measured(CameraView camera, TrackedFace face, int width, int height)
        {
            Pose seen = camera.Express(face.Face.Pose, width, height);
            return (seen, camera.Millimetres(seen).Length);
        }
    }

    [Fact]
    public void What_there_is_to_say_stands_between_the_numbers_and_the_hint()
    {
        Assert.Equal("0.0 fps  age 0 ms  0 faces\t\th help", Line(paused: false, null, s_view));
        Assert.Equal("0.0 fps  age 0 ms  0 faces\tpaused  mirror  \th help", Line(paused: true, null, s_view with { Mirror = true }));
        Assert.Equal("0.0 fps  age 0 ms  0 faces\treconnecting in 4 s  paused  ", Line(paused: true, "reconnecting in 4 s", s_view));

        static string Line(bool paused, string? alert, in WindowView view)
        {
            char[] text = new char[200];
            return new string(text, 0, WindowStatus.Write(text, [], view, paused, alert, null));
        }
    }

    [Theory]
    // The window is as wide as the second text needs, less some pixels; the third is what it shows.
    [InlineData("10.0 fps  age 10 ms\t\th help", "10.0 fps  age 10 ms\t\th help", 0, "10.0 fps  age 10 ms\t\th help")]
    [InlineData("10.0 fps  age 10 ms\t\th help", "10.0 fps  age 10 ms\t\th help", 1, "10.0 fps  age 10 ms")]
    [InlineData("10.0 fps  age 10 ms\t\th help", "10.0 fps  age 10 ms", 0, "10.0 fps  age 10 ms")]
    [InlineData("10.0 fps  age 10 ms\t\th help", "10.0 fps  age 10 ms", 1, "10.0 fps")]
    [InlineData("10.0 fps  age 10 ms\t\th help", "10.0 fps", 20, "10.0 fps")]
    [InlineData("10.0 fps  age 10 ms\tpaused  \th help", "10.0 fps  age 10 ms\tpaused\th help", 0, "10.0 fps  age 10 ms\tpaused\th help")]
    [InlineData("10.0 fps  age 10 ms\tpaused  \th help", "10.0 fps  age 10 ms\tpaused", 0, "10.0 fps  age 10 ms\tpaused")]
    [InlineData("10.0 fps  age 10 ms\tpaused  \th help", "10.0 fps\tpaused", 0, "10.0 fps\tpaused")]
    [InlineData("10.0 fps  age 10 ms\tpaused  \th help", "10.0 fps\tpaused", 1, "\tpaused")]
    [InlineData("10.0 fps  age 10 ms\treconnecting in 4 s", "reconnecting in 4 s", 30, "reconnecting in 4 s")]
    public void Where_there_is_little_room_the_hint_goes_first_and_then_the_last_numbers(string text, string room, int less, string shown)
    {
        int width = TextPanel.WidthOf(room, Unit) - less;

        uint[] pixels = Draw(text, width);

        Assert.Equal(Draw(shown, width), pixels);
        Assert.NotEqual(Draw("", width), pixels);
    }

    [Fact]
    public void The_hint_stands_at_the_right_edge_whatever_is_said_beside_it()
    {
        const int Width = 400;
        int hint = TextPanel.WidthOf("h help", Unit) - 8;

        uint[] alone = Draw("\t\th help", Width), beside = Draw("10.0 fps\tpaused\th help", Width);

        int height = alone.Length / Width;
        for (int y = 0; y < height; y++) Assert.Equal(alone.AsSpan(y * Width + Width - hint, hint).ToArray(), beside.AsSpan(y * Width + Width - hint, hint).ToArray());
        Assert.NotEqual(Draw("10.0 fps\tpaused", Width), beside);
    }

    private uint[] Draw(string text, int width)
    {
        TextPanel panel = new(_renderer);
        panel.Set(text, Unit, width, new Tint(22, 24, 28, 255), new Tint(214, 218, 224, 255));
        return panel.Pixels.ToArray();
    }

    private static string FaceText(in TrackedFace face, Func<TrackedFace, int, int, (Pose Pose, double Millimetres)>? measure)
    {
        char[] text = new char[200];
        return new string(text, 0, WindowStatus.WriteFace(text, face, (640, 480), measure));
    }

    private static int Yaw(string text) => int.Parse(Regex.Match(text, "yaw ([+-]?[0-9]+)").Groups[1].Value, CultureInfo.InvariantCulture);
}
