using System.Numerics;
using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Training.Data;

namespace Img2Pose.Training.Augmentation;

/// <summary>
/// One sample in the making: layers are drawn over one another, and the faces that they carry are kept with what later
/// layers hide of them.
/// </summary>
internal sealed class SceneComposer(int width, int height, SampleGeneratorOptions options, PixelLoans loans)
{
    private const int Grid = 8;

    private readonly List<PlacedFace> _faces = [];
    private readonly List<string> _sources = [];
    private readonly byte[] _uncertain = new byte[Cells(width) * Cells(height)];
    private readonly CameraIntrinsics _camera = CameraIntrinsics.ForImage(width, height);

    /// <summary>The picture.</summary>
    public Canvas Canvas { get; } = new(width, height);

    /// <summary>Lends the pixels of pictures that are made for this sample.</summary>
    public PixelLoans Loans => loans;

    /// <summary>Faces placed so far, in canvas pixels.</summary>
    public int FaceCount => _faces.Count;

    /// <summary>Box of a placed face before clipping.</summary>
    public Box FaceBoxAt(int index) => _faces[index].Box;

    /// <summary>Draws a picture as the next layer and adds the faces that it shows.</summary>
    public void AddLayer(RgbPicture picture, AnnotatedImage image, SimilarityWarp warp, LayerShape shape, PixelRectangle clip)
    {
        Canvas.Draw(picture, warp, shape, clip);
        _sources.Add(image.Image);
        Hide(warp, shape, clip, picture.Width, picture.Height);
        MarkCells(warp, shape, clip, picture.Width, picture.Height, image.Complete ? (byte)0 : (byte)1);

        CameraIntrinsics from = CameraIntrinsics.ForImage(image.Width, image.Height);
        foreach (AnnotatedFace face in image.Faces)
        {
            Box rough = warp.Apply(face.Box);
            if (rough.IntersectionArea(new Box(clip.Left, clip.Top, clip.Right, clip.Bottom)) <= 0) continue;
            Pose? pose = face.Pose is { } p ? PoseWarp.Refit(options.Reference.Points68, p, from, warp, _camera) : null;
            Box box = pose is { } q ? FaceLabels.UnclippedBox(options.Reference.Points68, q, _camera) : rough;
            PlacedFace placed = new(box, pose, face.Ignore, FaceLabels.Trust(face));
            for (int i = 0; i < Grid * Grid; i++)
            {
                (double x, double y) = placed.GridPoint(i);
                if (!Shows(warp, shape, clip, picture.Width, picture.Height, x, y)) placed.Hidden |= 1UL << i;
            }
            if (placed.Hidden != ulong.MaxValue) _faces.Add(placed);
        }
    }

    /// <summary>Part of a placed face that an ellipse of the canvas would hide, what is hidden already included.</summary>
    public double HiddenWith(int index, in Box cover, bool ellipse) =>
        BitOperations.PopCount(_faces[index].Hidden | Covered(_faces[index], cover, ellipse)) / (double)(Grid * Grid);

    /// <summary>Records that a box or its ellipse was painted over on the canvas.</summary>
    public void Cover(in Box cover, bool ellipse)
    {
        foreach (PlacedFace face in _faces) face.Hidden |= Covered(face, cover, ellipse);
    }

    /// <summary>The labels of what was composed.</summary>
    public TrainingSample Finish()
    {
        List<TrainingFace> faces = [];
        foreach (PlacedFace face in _faces)
        {
            double visible = 1 - BitOperations.PopCount(face.Hidden) / (double)(Grid * Grid);
            Box box = face.Pose is { } pose
                ? FaceBox.FromPose(pose, _camera, Canvas.Width, Canvas.Height, options.Reference, FaceBoxFactors.Default)
                : face.Box.ClipTo(Canvas.Width, Canvas.Height);
            if (box.IsEmpty || visible <= 0) continue;
            bool ignore = face.Ignore || visible < options.MinimumVisible
                || Math.Max(face.Box.Width, face.Box.Height) < options.MinimumFace;
            faces.Add(new TrainingFace
            {
                Box = box,
                Pose = face.Pose,
                Ignore = ignore,
                YawDegrees = face.Pose is { } p ? (float)FaceLabels.Yaw(p) : 0,
                Weight = face.Pose is null ? 0 : face.Trust,
            });
        }
        foreach (TrainingFace face in faces.OrderByDescending(f => f.Ignore)) MarkCells(face.Box, face.Ignore ? (byte)1 : (byte)0);
        return new TrainingSample
        {
            Rgb = Canvas.Pixels,
            Width = Canvas.Width,
            Height = Canvas.Height,
            Faces = [.. faces],
            Uncertain = _uncertain,
            Sources = _sources,
        };
    }

    private static int CellAt(double at, int count) => (int)Math.Clamp(at / TrainingSample.CellSize, 0, count - 1);

    private static int Cells(int side) => (side + TrainingSample.CellSize - 1) / TrainingSample.CellSize;

    private static ulong Covered(PlacedFace face, in Box cover, bool ellipse)
    {
        ulong bits = 0;
        for (int i = 0; i < Grid * Grid; i++)
        {
            (double x, double y) = face.GridPoint(i);
            double dx = (x - cover.CenterX) / (0.5 * cover.Width), dy = (y - cover.CenterY) / (0.5 * cover.Height);
            bool inside = ellipse ? dx * dx + dy * dy <= 1 : Math.Abs(dx) <= 1 && Math.Abs(dy) <= 1;
            if (inside) bits |= 1UL << i;
        }
        return bits;
    }

    private static bool Shows(SimilarityWarp warp, LayerShape shape, PixelRectangle clip, int width, int height, double x, double y)
    {
        if (x < clip.Left || x >= clip.Right || y < clip.Top || y >= clip.Bottom) return false;
        (double u, double v) = warp.Invert(x, y);
        return u >= 0 && u < width && v >= 0 && v < height && shape.Opacity(u, v) > 0.5;
    }

    private void Hide(SimilarityWarp warp, LayerShape shape, PixelRectangle clip, int width, int height)
    {
        foreach (PlacedFace face in _faces)
        {
            for (int i = 0; i < Grid * Grid; i++)
            {
                (double x, double y) = face.GridPoint(i);
                if (Shows(warp, shape, clip, width, height, x, y)) face.Hidden |= 1UL << i;
            }
        }
    }

    private void MarkCells(SimilarityWarp warp, LayerShape shape, PixelRectangle clip, int width, int height, byte mark)
    {
        int columns = Cells(Canvas.Width);
        (double centerX, double centerY) = warp.Apply(shape.IsWhole ? 0.5 * width : shape.CenterX, shape.IsWhole ? 0.5 * height : shape.CenterY);
        double reach = warp.Scale * (shape.IsWhole ? 0.5 * double.Hypot(width, height) : Math.Max(shape.RadiusX, shape.RadiusY)) + 1;
        int left = CellAt(Math.Max(clip.Left, centerX - reach), columns), right = CellAt(Math.Min(clip.Right, centerX + reach), columns);
        int top = CellAt(Math.Max(clip.Top, centerY - reach), Cells(Canvas.Height)), bottom = CellAt(Math.Min(clip.Bottom, centerY + reach), Cells(Canvas.Height));
        for (int row = top; row <= bottom; row++)
        {
            for (int column = left; column <= right; column++)
            {
                if (Shows(warp, shape, clip, width, height, (column + 0.5) * TrainingSample.CellSize, (row + 0.5) * TrainingSample.CellSize))
                    _uncertain[row * columns + column] = mark;
            }
        }
    }

    private void MarkCells(in Box box, byte mark)
    {
        int columns = Cells(Canvas.Width);
        for (int row = (int)(box.Top / TrainingSample.CellSize); row * TrainingSample.CellSize < box.Bottom && row < Cells(Canvas.Height); row++)
        {
            for (int column = (int)(box.Left / TrainingSample.CellSize); column * TrainingSample.CellSize < box.Right && column < columns; column++)
                _uncertain[row * columns + column] = mark;
        }
    }

    /// <summary>A face on the canvas; <see cref="Hidden"/> has a bit for each point of an 8×8 grid over its box.</summary>
    private sealed class PlacedFace(Box box, Pose? pose, bool ignore, float trust)
    {
        public Box Box => box;

        public Pose? Pose => pose;

        public bool Ignore => ignore;

        public float Trust => trust;

        public ulong Hidden { get; set; }

        public (double X, double Y) GridPoint(int i) => (
            box.Left + (i % Grid + 0.5) / Grid * box.Width,
            box.Top + (i / Grid + 0.5) / Grid * box.Height);
    }
}
