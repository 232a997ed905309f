using System.Diagnostics.CodeAnalysis;
using Img2Pose.Formats;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Media;

namespace Img2Pose.Benchmarks.Follow;

/// <summary>A face cut from an annotated picture, with everything around it that belongs to the head.</summary>
internal sealed class FacePatch : IDisposable
{
    private readonly VideoFrame _picture;

    public FacePatch(AnnotatedImage image, AnnotatedFace face)
    {
        _picture = ImageFile.Read(image.Path);
        (Box box, double margin) = (face.Box, 0.45 * Math.Max(face.Box.Width, face.Box.Height));
        FaceSize = Math.Max(box.Width, box.Height);
        Region = new Box(
            Math.Max(0, box.Left - margin), Math.Max(0, box.Top - margin),
            Math.Min(_picture.Width, box.Right + margin), Math.Min(_picture.Height, box.Bottom + margin));
        FaceBox = box;
        Local = PoseConversion.FullToBox(face.Pose!.Value, image.Camera, box);
    }

    /// <summary>Pose relative to <see cref="FaceBox"/>: how the face looks, wherever it is shown.</summary>
    public Pose Local { get; }

    public Box FaceBox { get; }

    public Box Region { get; }

    public double FaceSize { get; }

    /// <summary>Draws the patch with its face centred at a place and of a size, and says where the face is then, and its pose.</summary>
    public (Box Box, Pose Pose) Draw(VideoFrame target, double x, double y, double size)
    {
        double scale = size / FaceSize, left = x - (FaceBox.CenterX - Region.Left) * scale, top = y - (FaceBox.CenterY - Region.Top) * scale;
        int fromX = Math.Max(0, (int)Math.Ceiling(left)), toX = Math.Min(target.Width, (int)(left + Region.Width * scale));
        int fromY = Math.Max(0, (int)Math.Ceiling(top)), toY = Math.Min(target.Height, (int)(top + Region.Height * scale));
        FramePlane source = _picture.GetPlane(0), plane = target.GetPlane(0);
        // As a camera would: means over the samples that a pixel covers, four by four at most.
        int taps = Math.Clamp((int)Math.Ceiling(1 / scale), 1, 4);
        for (int row = fromY; row < toY; row++)
        {
            Span<byte> line = plane.Row(row);
            for (int column = fromX; column < toX; column++)
            {
                int red = 0, green = 0, blue = 0;
                for (int i = 0; i < taps; i++)
                {
                    int sy = Math.Clamp((int)(Region.Top + (row + (i + 0.5) / taps - top) / scale), 0, source.Height - 1);
                    Span<byte> from = source.Row(sy);
                    for (int k = 0; k < taps; k++)
                    {
                        int sx = 3 * Math.Clamp((int)(Region.Left + (column + (k + 0.5) / taps - left) / scale), 0, source.Width - 1);
                        (red, green, blue) = (red + from[sx], green + from[sx + 1], blue + from[sx + 2]);
                    }
                }
                int n = taps * taps;
                (line[3 * column], line[3 * column + 1], line[3 * column + 2]) = ((byte)(red / n), (byte)(green / n), (byte)(blue / n));
            }
        }
        Box box = new(left + (FaceBox.Left - Region.Left) * scale, top + (FaceBox.Top - Region.Top) * scale,
            left + (FaceBox.Right - Region.Left) * scale, top + (FaceBox.Bottom - Region.Top) * scale);
        return (box, PoseConversion.BoxToFull(Local, CameraIntrinsics.ForImage(target.Width, target.Height), box));
    }

    public void Dispose() => _picture.Dispose();
}

/// <summary>A face of a made clip: which patch, when, where, how large. Times in frames, places in pixels.</summary>
internal sealed record MovingFace(FacePatch Patch, int From, int To, Func<int, (double X, double Y, double Size)> Path);

/// <summary>A video made of moving patches on a background, at 30 frames a second; scenes begin at the given frames.</summary>
internal sealed class MadeClip(string name, int width, int height, int frames, IReadOnlyList<MovingFace> faces, IReadOnlyList<int> cuts) : IFrameSource
{
    private readonly FramePool _pool = new();
    private int _next;

    /// <summary>Where the faces are in each frame that was read.</summary>
    public List<List<(Box Box, Pose Pose)>> Truth { get; } = [];

    public SourceInfo Info { get; } = new()
    {
        Name = name,
        Width = width,
        Height = height,
        CodedWidth = width,
        CodedHeight = height,
        Format = PixelFormat.Rgb24,
        Color = default,
        FramesPerSecond = 30,
    };

    public long DamagedFrames => 0;

    public bool TryRead([NotNullWhen(true)] out VideoFrame? frame)
    {
        frame = null;
        if (_next == frames) return false;
        frame = _pool.Rent(PixelFormat.Rgb24, width, height);
        int scene = cuts.Count(cut => cut <= _next);
        FramePlane plane = frame.GetPlane(0);
        for (int y = 0; y < height; y++)
        {
            Span<byte> row = plane.Row(y);
            // A wall with a window: another one in each scene.
            for (int x = 0; x < width; x++)
            {
                bool window = (x + 400 * scene) % width < width / 3 && (y + 200 * scene) % height < height / 2;
                byte value = (byte)((window ? 190 : 70 + 25 * (scene % 3)) + (x * 7 + y * 3) % 13);
                (row[3 * x], row[3 * x + 1], row[3 * x + 2]) = (value, (byte)(value - 10), (byte)(value + 8));
            }
        }
        List<(Box, Pose)> truth = [];
        foreach (MovingFace face in faces)
        {
            if (_next < face.From || _next >= face.To) continue;
            (double x, double y, double size) = face.Path(_next);
            truth.Add(face.Patch.Draw(frame, x, y, size));
        }
        Truth.Add(truth);
        frame.Index = _next;
        frame.PresentationTime = _next / 30.0;
        _next++;
        return true;
    }

    public void Interrupt()
    {
    }

    public void Dispose() => _pool.Dispose();
}
