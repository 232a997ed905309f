using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Training.Augmentation.Synthesis;
using Img2Pose.Training.Data;

namespace Img2Pose.Training.Augmentation;

/// <summary>
/// Makes training pictures without end from annotated ones: crops of every size and turn, mosaics, pasted faces,
/// occluders, decoys, changes of light and quality, and pictures without a face. A sample depends on nothing but the data, the
/// options, the seed and its index; any thread may ask for any sample at any time.
/// </summary>
public sealed class SampleGenerator
{
    private readonly IReadOnlyList<AnnotatedImage> _images;
    private readonly RgbPicture[] _pictures;
    private readonly SampleGeneratorOptions _options;
    private readonly AnchorSelector _anchors;
    private readonly int[] _backgrounds;
    private readonly SyntheticSources? _synthetic;

    private SampleGenerator(IReadOnlyList<AnnotatedImage> images, RgbPicture[] pictures, SampleGeneratorOptions options)
    {
        _images = images;
        _pictures = pictures;
        _options = options;
        _anchors = new AnchorSelector(images, options);
        _backgrounds = [.. Enumerable.Range(0, images.Count).Where(i => images[i].Faces.Count == 0 && images[i].Complete)];
        _synthetic = SyntheticSources.Create(options);
    }

    /// <summary>Decodes all pictures and prepares the draws.</summary>
    /// <param name="images">Records of one or several packs.</param>
    /// <param name="options">How samples are made.</param>
    /// <param name="progress">Called with the count of decoded pictures now and then, on any thread.</param>
    /// <param name="leftOut">Told of each picture that cannot be read, which is left out; null: the first is thrown.</param>
    /// <param name="stop">Ends the decoding between two pictures.</param>
    /// <exception cref="InputException">A picture cannot be read, or there is no face to train on.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> has fired.</exception>
    public static SampleGenerator Create(
        IReadOnlyList<AnnotatedImage> images, SampleGeneratorOptions options, Action<int>? progress = null, Action<InputException>? leftOut = null, CancellationToken stop = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Width, 32);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Height, 32);
        _ = new AnchorSelector(images, options);
        int threads = options.LoadThreads > 0 ? options.LoadThreads : Environment.ProcessorCount;
        RgbPicture?[] pictures = PictureLoader.LoadAll(images, threads, progress, leftOut, stop);
        return new SampleGenerator([.. images.Where((_, i) => pictures[i] is not null)], [.. pictures.OfType<RgbPicture>()], options);
    }

    /// <summary>Makes sample <paramref name="index"/> at the options' size.</summary>
    public TrainingSample Generate(ulong seed, long index) => Generate(seed, index, _options.Width, _options.Height);

    /// <summary>Makes sample <paramref name="index"/> at another size, for training at several scales.</summary>
    public TrainingSample Generate(ulong seed, long index, int width, int height)
    {
        SampleRandom random = new(seed, index);
        using PixelLoans loans = new();
        SceneComposer scene = new(width, height, _options, loans);
        double kind = random.Uniform();
        double backgrounds = _backgrounds.Length > 0 ? _options.BackgroundShare : 0;
        if (kind < backgrounds)
            AddBackground(scene, ref random);
        else if (kind < backgrounds + _options.MosaicShare)
            AddMosaic(scene, ref random);
        else if (kind < backgrounds + _options.MosaicShare + _options.PasteShare)
            AddPastedFaces(scene, ref random);
        else
            AddSingle(scene, ref random);

        if (random.Chance(_options.DecoyChance)) Decoys.Add(scene, ref random);
        Occluders.Add(scene, _options.OccluderChance, _backgrounds.Length == 0 ? null : _pictures[_backgrounds[random.Below(_backgrounds.Length)]], ref random);
        TrainingSample sample = scene.Finish();
        if (_options.VaryAppearance) Photometric.Apply(sample.Rgb, width, height, ref random);
        return sample;
    }

    /// <summary>One picture around one face of a drawn size.</summary>
    private void AddSingle(SceneComposer scene, ref SampleRandom random)
    {
        Canvas canvas = scene.Canvas;
        double shorter = Math.Min(canvas.Width, canvas.Height);
        double size = random.LogUniform(_options.SmallestFace, _options.LargestFace * shorter);
        (RgbPicture picture, AnnotatedImage image, Box box) = DrawFace(scene, size, ref random);
        double scale = ScaleFor(box, size);
        // A small face of a small picture would leave most of the sample to the fill: make it a crowded scene instead.
        if (scale * scale * image.Width * image.Height < 0.25 * canvas.Width * canvas.Height && random.Chance(0.8))
        {
            if (random.Chance(0.5)) AddMosaic(scene, ref random);
            else AddPastedFaces(scene, ref random);
            return;
        }
        SimilarityWarp warp = PlaceAnchor(box, scale, Angle(ref random), canvas.Bounds, ref random);
        FillAround(scene, picture, warp, ref random);
        scene.AddLayer(picture, image, warp, LayerShape.Whole, canvas.Bounds);
    }

    /// <summary>Two to four columns and rows of pictures with faces, or without.</summary>
    private void AddMosaic(SceneComposer scene, ref SampleRandom random)
    {
        Canvas canvas = scene.Canvas;
        int rows = 2 + random.Below(3);
        Span<int> tops = (stackalloc int[5])[..(rows + 1)];
        Divide(tops, canvas.Height, ref random);
        Span<int> lefts = stackalloc int[5];
        for (int row = 0; row < rows; row++)
        {
            int columns = 2 + random.Below(3);
            Divide(lefts[..(columns + 1)], canvas.Width, ref random);
            for (int column = 0; column < columns; column++)
            {
                PixelRectangle cell = new(lefts[column], tops[row], lefts[column + 1], tops[row + 1]);
                if (_backgrounds.Length > 0 && random.Chance(0.12)) DrawBackground(scene, cell, ref random);
                else AddCell(scene, cell, ref random);
            }
        }
    }

    private void AddCell(SceneComposer scene, PixelRectangle cell, ref SampleRandom random)
    {
        double side = Math.Min(cell.Right - cell.Left, cell.Bottom - cell.Top);
        if (side < 2 * _options.SmallestFace) return;
        // Large enough that the picture fills most of its cell, where that is possible.
        double size = random.LogUniform(Math.Max(_options.SmallestFace, 0.35 * side), 0.95 * side);
        (RgbPicture picture, AnnotatedImage image, Box box) = DrawFace(scene, size, ref random);
        double angle = random.Chance(0.6) ? 0 : Angle(ref random);
        SimilarityWarp warp = PlaceAnchor(box, ScaleFor(box, size), angle, cell, ref random);
        if (!Covers(cell, picture, warp)) scene.Canvas.DrawBlurredContinuation(picture, warp, cell);
        scene.AddLayer(picture, image, warp, LayerShape.Whole, cell);
    }

    /// <summary>A scene, without faces or with its own, and up to eight faces pasted where none is, or a crowd of small ones.</summary>
    private void AddPastedFaces(SceneComposer scene, ref SampleRandom random)
    {
        Canvas canvas = scene.Canvas;
        if (_backgrounds.Length > 0 && random.Chance(0.7))
        {
            DrawBackground(scene, canvas.Bounds, ref random);
        }
        else
        {
            Anchor anchor = _anchors.Next(ref random);
            AnnotatedImage image = _images[anchor.Image];
            double scale = random.Uniform(1, 1.6) * Math.Max(canvas.Width / (double)image.Width, canvas.Height / (double)image.Height);
            Box box = image.Faces[anchor.Face].Box;
            SimilarityWarp warp = PlaceAnchor(box, Math.Min(scale, _options.MaximumEnlargement), 0, canvas.Bounds, ref random);
            FillAround(scene, _pictures[anchor.Image], warp, ref random);
            scene.AddLayer(_pictures[anchor.Image], image, warp, LayerShape.Whole, canvas.Bounds);
        }

        double shorter = Math.Min(canvas.Width, canvas.Height);
        bool crowd = random.Chance(_options.CrowdShare);
        int count = crowd ? 8 + random.Below(17) : 1 + random.Below(8);
        double largest = crowd ? 0.2 * shorter : 0.45 * shorter;
        // In a crowd heads stand before heads.
        double overlap = crowd ? 0.25 : 0;
        for (int i = 0; i < count; i++)
        {
            double size = random.LogUniform(_options.SmallestFace, largest);
            (RgbPicture picture, AnnotatedImage image, Box box) = DrawFace(scene, size, ref random);
            double scale = ScaleFor(box, size);
            for (int attempt = 0; attempt < 6; attempt++)
            {
                SimilarityWarp warp = PlaceAnchor(box, scale, Angle(ref random), canvas.Bounds, ref random);
                if (Overlaps(scene, warp.Apply(box), overlap)) continue;
                scene.AddLayer(picture, image, warp, PasteShape(box, image, ref random), canvas.Bounds);
                break;
            }
        }
    }

    /// <summary>Whether a box covers more than a part of a face that is there, or the other way round.</summary>
    private static bool Overlaps(SceneComposer scene, in Box box, double allowed)
    {
        for (int i = 0; i < scene.FaceCount; i++)
        {
            Box there = scene.FaceBoxAt(i);
            if (there.IntersectionArea(box) > allowed * Math.Min(there.Area, box.Area)) return true;
        }
        return false;
    }

    /// <summary>The whole small picture, or a soft oval around the head.</summary>
    private static LayerShape PasteShape(in Box box, AnnotatedImage image, ref SampleRandom random)
    {
        if (image.Width <= 128 && random.Chance(0.5)) return LayerShape.Whole;
        double grow = random.Uniform(0.75, 1.1);
        return new LayerShape(box.CenterX, box.CenterY, grow * box.Width, grow * box.Height, random.Uniform(0.05, 0.35));
    }

    private void AddBackground(SceneComposer scene, ref SampleRandom random)
    {
        Canvas canvas = scene.Canvas;
        if (random.Chance(0.75))
        {
            DrawBackground(scene, canvas.Bounds, ref random);
            return;
        }
        int half = canvas.Width / 2, middle = canvas.Height / 2;
        DrawBackground(scene, new PixelRectangle(0, 0, half, middle), ref random);
        DrawBackground(scene, new PixelRectangle(half, 0, canvas.Width, middle), ref random);
        DrawBackground(scene, new PixelRectangle(0, middle, half, canvas.Height), ref random);
        DrawBackground(scene, new PixelRectangle(half, middle, canvas.Width, canvas.Height), ref random);
    }

    /// <summary>Covers a part of the canvas with a picture that holds no face.</summary>
    private void DrawBackground(SceneComposer scene, PixelRectangle clip, ref SampleRandom random)
    {
        int index = _backgrounds[random.Below(_backgrounds.Length)];
        AnnotatedImage image = _images[index];
        double width = clip.Right - clip.Left, height = clip.Bottom - clip.Top;
        double cover = Math.Max(width / image.Width, height / image.Height);
        double scale = cover * random.LogUniform(1, 2.2);
        double spareX = image.Width * scale - width, spareY = image.Height * scale - height;
        SimilarityWarp warp = SimilarityWarp.Taking(
            0.5 * image.Width, 0.5 * image.Height,
            0.5 * (clip.Left + clip.Right) + random.Uniform(-0.5, 0.5) * spareX,
            0.5 * (clip.Top + clip.Bottom) + random.Uniform(-0.5, 0.5) * spareY,
            scale, 0, random.Chance(0.5));
        scene.AddLayer(_pictures[index], image, warp, LayerShape.Whole, clip);
    }

    /// <summary>Fills the canvas where the picture to come will not reach.</summary>
    private void FillAround(SceneComposer scene, RgbPicture picture, SimilarityWarp warp, ref SampleRandom random)
    {
        Canvas canvas = scene.Canvas;
        if (Covers(canvas.Bounds, picture, warp)) return;
        double kind = random.Uniform();
        if (kind < 0.4 && _backgrounds.Length > 0) DrawBackground(scene, canvas.Bounds, ref random);
        else if (kind < 0.8) canvas.DrawBlurredContinuation(picture, warp, canvas.Bounds);
        else if (kind < 0.9) DrawMeanColour(canvas, picture, canvas.Bounds);
        else FillWithNoise(canvas, ref random);
    }

    /// <summary>Whether the warped picture, a convex shape, holds all four corners of a part of the canvas.</summary>
    private static bool Covers(PixelRectangle part, RgbPicture picture, SimilarityWarp warp)
    {
        ReadOnlySpan<(int X, int Y)> corners = [(part.Left, part.Top), (part.Right, part.Top), (part.Left, part.Bottom), (part.Right, part.Bottom)];
        foreach ((int x, int y) in corners)
        {
            (double u, double v) = warp.Invert(x, y);
            if (u < 0 || v < 0 || u > picture.Width || v > picture.Height) return false;
        }
        return true;
    }

    private static void FillWithNoise(Canvas canvas, ref SampleRandom random)
    {
        canvas.Fill((byte)random.Below(256), (byte)random.Below(256), (byte)random.Below(256));
        Photometric.AddNoise(canvas.Pixels, random.LogUniform(2, 60), false, ref random);
        if (random.Chance(0.5)) Photometric.Blur(canvas.Pixels, canvas.Width, canvas.Height, random.LogUniform(0.8, 3));
    }

    private static void DrawMeanColour(Canvas canvas, RgbPicture picture, PixelRectangle clip)
    {
        using ReducedPicture mean = ReducedPicture.By(picture, Math.Max(picture.Width, picture.Height));
        for (int y = clip.Top; y < clip.Bottom; y++)
        {
            for (int x = clip.Left; x < clip.Right; x++)
                mean.Pixels.AsSpan(0, 3).CopyTo(canvas.Pixels.AsSpan((y * canvas.Width + x) * 3));
        }
    }

    /// <summary>A picture for a face of about <paramref name="size"/> pixels: a photograph, or one made from the meshes.</summary>
    private (RgbPicture Picture, AnnotatedImage Image, Box Box) DrawFace(SceneComposer scene, double size, ref SampleRandom random)
    {
        Anchor anchor = DrawAnchor(size, ref random);
        RgbPicture picture = _pictures[anchor.Image];
        AnnotatedImage image = _images[anchor.Image];
        int face = anchor.Face;
        RgbPicture? background = _backgrounds.Length == 0 ? null : _pictures[_backgrounds[random.Below(_backgrounds.Length)]];
        if (_synthetic is not null && _synthetic.TryReplace(ref picture, ref image, face, size, background, scene.Loans, ref random)) face = 0;
        return (picture, image, image.Faces[face].Box);
    }

    /// <summary>A face that reaches the size without too much enlargement, where a few tries find one.</summary>
    private Anchor DrawAnchor(double size, ref SampleRandom random)
    {
        Anchor best = default;
        double bestScale = double.PositiveInfinity;
        for (int attempt = 0; attempt < 8; attempt++)
        {
            Anchor anchor = _anchors.Next(ref random);
            double scale = size / LargerSide(_images[anchor.Image].Faces[anchor.Face].Box);
            if (scale < bestScale) (best, bestScale) = (anchor, scale);
            if (scale <= _options.MaximumEnlargement) break;
        }
        return best;
    }

    private double ScaleFor(in Box box, double size) => Math.Min(size / LargerSide(box), _options.MaximumEnlargement);

    private static double LargerSide(in Box box) => Math.Max(box.Width, box.Height);

    /// <summary>Radians: mostly within 25°, now and then to 45°, often upright; and by any angle for the share that the options name.</summary>
    private double Angle(ref SampleRandom random)
    {
        if (random.Chance(_options.AnyRollShare)) return random.Uniform(-Math.PI, Math.PI);
        double kind = random.Uniform();
        if (kind < 0.3) return 0;
        return double.DegreesToRadians(kind < 0.9 ? Math.Clamp(12 * random.Normal(), -25, 25) : random.Uniform(-45, 45));
    }

    /// <summary>
    /// Puts a face anywhere in a rectangle where its box fits, one time in eight partly outside, mirrored half the time.
    /// </summary>
    private static SimilarityWarp PlaceAnchor(in Box box, double scale, double angle, PixelRectangle into, ref SampleRandom random)
    {
        bool mirror = random.Chance(0.5);
        double outside = random.Chance(0.125) ? random.Uniform(0, 0.45) : 0;
        Box turned = new SimilarityWarp(scale, angle, mirror, 0, 0).Apply(box);
        double x = Coordinate(into.Left, into.Right, turned.Width, outside, ref random);
        double y = Coordinate(into.Top, into.Bottom, turned.Height, outside, ref random);
        return SimilarityWarp.Taking(box.CenterX, box.CenterY, x, y, scale, angle, mirror);
    }

    private static double Coordinate(double low, double high, double extent, double outside, ref SampleRandom random)
    {
        double margin = Math.Min(extent * (0.5 - outside), 0.5 * (high - low));
        return random.Uniform(low + margin, high - margin);
    }

    /// <summary>Cuts a side into unequal parts.</summary>
    private static void Divide(Span<int> bounds, int side, ref SampleRandom random)
    {
        int parts = bounds.Length - 1;
        bounds[0] = 0;
        bounds[parts] = side;
        for (int i = 1; i < parts; i++) bounds[i] = (int)((i + random.Uniform(-0.25, 0.25)) * side / parts);
    }
}
