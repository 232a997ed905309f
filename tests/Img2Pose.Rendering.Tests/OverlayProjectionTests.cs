using System.Numerics;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Rendering.Overlay;

namespace Img2Pose.Rendering.Tests;

public sealed class OverlayProjectionTests
{
    public static TheoryData<double, double, double, double, double, double> Poses => new()
    {
        { 0, 0, 0, 0, 0, 5 },
        { 0.1, 0.3, 0.05, 0.8, -0.3, 6 },
        { -0.2, -0.4, 0.4, -1.2, 0.4, 7 },
        { 0.05, 0.2, -0.6, 0.3, 0.05, 5.5 },
    };

    [Theory]
    [MemberData(nameof(Poses))]
    public void Drawn_points_lie_where_the_camera_projects_them(double rx, double ry, double rz, double tx, double ty, double tz)
    {
        Check(new Pose(new Vector3d(rx, ry, rz), new Vector3d(tx, ty, tz)), 640, 360, 640, 360);
    }

    [Fact]
    public void Non_square_pixels_stretch_the_overlay_with_the_picture()
    {
        Check(new Pose(new Vector3d(0.1, 0.2, 0.1), new Vector3d(0.4, 0.1, 5)), 720, 576, 1024, 576);
    }

    private static void Check(Pose pose, int width, int height, int displayWidth, int displayHeight)
    {
        // One small square at a time, at each of the five reference points; its centre of light is where the point is drawn.
        using FramePool pool = new();
        CameraIntrinsics camera = CameraIntrinsics.ForImage(displayWidth, displayHeight);
        foreach (Vector3d point in ReferenceFace.Default.Points5)
        {
            FaceMesh mesh = Scenes.Squares(0.03f, new Vector3((float)point.X, (float)point.Y, (float)point.Z));
            using OverlayRenderer renderer = Scenes.Renderer(new OverlayOptions { Meshes = [mesh], Alpha = 1, Layers = OverlayLayers.Mesh });
            using VideoFrame frame = Scenes.Flat(pool, width, height, 0);
            frame.DisplayWidth = displayWidth;
            frame.DisplayHeight = displayHeight;

            renderer.Compose(frame, [Scenes.Face(pose.Rotation, pose.Translation)]);

            (double x, double y) = camera.Project(RotationVector.ToMatrix(pose.Rotation) * point + pose.Translation);
            (double seenX, double seenY) = CentreOfLight(frame);
            Assert.InRange(seenX - x * width / displayWidth, -1, 1);
            Assert.InRange(seenY - y * height / displayHeight, -1, 1);
        }
    }

    private static (double X, double Y) CentreOfLight(VideoFrame frame)
    {
        double sum = 0, sumX = 0, sumY = 0;
        FramePlane plane = frame.GetPlane(0);
        for (int y = 0; y < plane.Height; y++)
        {
            Span<byte> row = plane.Row(y);
            for (int x = 0; x < plane.Width; x++)
            {
                sum += row[3 * x];
                sumX += (x + 0.5) * row[3 * x];
                sumY += (y + 0.5) * row[3 * x];
            }
        }
        Assert.True(sum > 0, "Nothing was drawn.");
        return (sumX / sum, sumY / sum);
    }
}
