using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Media;
using Img2Pose.Rendering.Overlay;

namespace Img2Pose.Monitor.Tests;

/// <summary>
/// A video of heads that move by a script: the project's own face surface on grey, so that tests need nobody's picture. Coded as cameras
/// do, with access unit delimiters, which the tests' RTSP server cuts at.
/// </summary>
internal static class HeadVideo
{
    public const int Width = 640, Height = 360;

    private static readonly byte[] s_delimiter = [0, 0, 0, 1, 9, 0xf0];

    /// <summary>Writes one as a camera codes it.</summary>
    /// <param name="path">The .h264 file.</param>
    /// <param name="seconds">Its length.</param>
    /// <param name="rate">Pictures a second.</param>
    /// <param name="script">The heads at a time.</param>
    public static void Write(string path, double seconds, double rate, Func<double, Pose[]> script)
    {
        using FileStream file = new(path, FileMode.Create);
        Encode(new Tap(file), seconds, rate, script);
    }

    /// <summary>Codes one.</summary>
    /// <param name="tap">Takes the pictures.</param>
    /// <param name="seconds">Its length.</param>
    /// <param name="rate">Pictures a second.</param>
    /// <param name="script">The heads at a time.</param>
    public static void Encode(ICodedPictureTap tap, double seconds, double rate, Func<double, Pose[]> script)
    {
        using FramePool pool = new();
        using OverlayRenderer renderer = OverlayRenderer.Create(new OverlayOptions { Layers = OverlayLayers.Mesh, Alpha = 1 });
        LiveEncoder? encoder = null;
        try
        {
            for (int i = 0; i < seconds * rate; i++)
            {
                using VideoFrame frame = Picture(pool, renderer, script(i / rate));
                frame.CaptureTime = 1 + (long)(i / rate * System.Diagnostics.Stopwatch.Frequency);
                encoder ??= new LiveEncoder("heads", frame, rate);
                encoder.Encode(frame, tap);
            }
        }
        finally
        {
            encoder?.Dispose();
        }
    }

    /// <summary>One picture; the caller disposes it.</summary>
    public static VideoFrame Picture(FramePool pool, OverlayRenderer renderer, Pose[] heads)
    {
        VideoFrame frame = pool.Rent(PixelFormat.I420, Width, Height);
        for (int plane = 0; plane < 3; plane++)
        {
            for (int y = 0; y < frame.GetPlane(plane).Height; y++) frame.GetPlane(plane).Row(y).Fill((byte)(plane == 0 ? 90 + y / 12 : 128));
        }
        TrackedFace[] faces = [.. heads.Select((pose, i) => new TrackedFace(i + 1, new FaceDetection(
            FaceBox.FromPose(pose, CameraIntrinsics.ForImage(Width, Height), Width, Height, ReferenceFace.Default, FaceBoxFactors.Default), 1, pose), pose, Detected: true))];
        renderer.Compose(frame, faces);
        return frame;
    }

    /// <summary>A head that looks at the camera but for a turn to its side and a nod, degrees.</summary>
    /// <param name="x">Place to the right of the middle, units of the face.</param>
    /// <param name="turn">Turn to the side.</param>
    /// <param name="nod">Nod downwards.</param>
    /// <param name="distance">Units of the face.</param>
    public static Pose Head(double x, double turn = 0, double nod = 0, double distance = 9)
    {
        const double radians = Math.PI / 180;
        Vector3d rotation = RotationVector.Compose(new Vector3d(0, -turn * radians, 0), new Vector3d(nod * radians, 0, 0));
        return new Pose(rotation, new Vector3d(x, 0, distance));
    }

    private sealed class Tap(FileStream file) : ICodedPictureTap
    {
        public void Take(in CodedPicture picture)
        {
            file.Write(s_delimiter);
            file.Write(picture.Data);
        }
    }
}
