using Img2Pose.Formats;
using Img2Pose.Training.Data;

namespace Img2Pose.Training.Augmentation.Synthesis;

/// <summary>The optional makers of faces in poses that photographs rarely show.</summary>
internal sealed class SyntheticSources
{
    private readonly FaceProfiler _profiler;
    private readonly HeadRenderer _heads;
    private readonly SampleGeneratorOptions _options;

    private SyntheticSources(string folder, SampleGeneratorOptions options)
    {
        _profiler = FaceProfiler.Load(folder);
        _heads = new HeadRenderer(MorphableHead.Load(folder));
        _options = options;
    }

    /// <summary>Loads the mesh pack, or returns null where the options name none.</summary>
    /// <exception cref="InputException">The folder is no mesh pack.</exception>
    public static SyntheticSources? Create(SampleGeneratorOptions options) =>
        options.MeshFolder is { } folder ? new SyntheticSources(folder, options) : null;

    /// <summary>Replaces a picture and its anchor face now and then by a turned face or a rendered head.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="image">Its record.</param>
    /// <param name="face">The anchor face.</param>
    /// <param name="size">Longer side that the face will be drawn at, pixels: what is made need not be finer.</param>
    /// <param name="background">A picture without faces, or null.</param>
    /// <param name="loans">Lends the pixels of what is made.</param>
    /// <param name="random">The sample's random numbers.</param>
    /// <returns>True when replaced; the anchor is then the only face of <paramref name="image"/>.</returns>
    public bool TryReplace(
        ref RgbPicture picture, ref AnnotatedImage image, int face, double size, RgbPicture? background, PixelLoans loans, ref SampleRandom random)
    {
        double kind = random.Uniform();
        if (kind < _options.RenderedHeadShare)
        {
            (picture, image) = _heads.Render(background, loans, ref random);
            return true;
        }
        if (kind < _options.RenderedHeadShare + _options.TurnedFaceShare && FaceProfiler.Suits(image, image.Faces[face]))
        {
            (double yaw, double pitch) = FaceProfiler.DrawTurn(image.Faces[face].Pose!.Value, ref random);
            (picture, image) = _profiler.Turn(picture, image, yaw, pitch, size, loans);
            return true;
        }
        return false;
    }
}
