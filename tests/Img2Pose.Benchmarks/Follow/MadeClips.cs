using Img2Pose.Formats;

namespace Img2Pose.Benchmarks.Follow;

/// <summary>Clips of moving faces, made from an annotation pack: the same for the same pack.</summary>
internal sealed class MadeClips : IDisposable
{
    private const int Width = 1280, Height = 720, Frames = 240;

    private readonly FacePatch[] _patches;

    public MadeClips(string pack)
    {
        Random random = new(5);
        (AnnotatedImage Image, AnnotatedFace Face)[] faces =
        [
            .. AnnotationPackReader.Load(pack).SelectMany(image => image.Faces.Select(face => (image, face)))
                .Where(pair => !pair.face.Ignore && pair.face.Pose is not null && pair.face.Size is > 110 and < 260 && pair.face.Label == "gt68"),
        ];
        _patches = [.. faces.OrderBy(_ => random.Next()).Take(24).Select(pair => new FacePatch(pair.Image, pair.Face))];
    }

    /// <summary>Makes every clip anew, with its name.</summary>
    public IEnumerable<(string Name, Func<MadeClip> Make)> All()
    {
        yield return Clip("one face", [Wander(0, 0, Frames, 640, 360, 170)]);
        yield return Clip("one large face", [Wander(1, 0, Frames, 600, 380, 420)]);
        yield return Clip("two faces", [Wander(2, 0, Frames, 380, 340, 150), Wander(3, 0, Frames, 900, 380, 190)]);
        yield return Clip("two that cross", [Pass(4, 0, Frames, 200, 1080, 350, 150), Pass(5, 0, Frames, 1080, 200, 380, 170)]);
        yield return Clip("entries and exits",
        [
            Wander(6, 0, Frames, 300, 360, 160), Wander(7, 37, 170, 700, 300, 120), Wander(8, 61, 200, 1000, 420, 60), Wander(9, 95, Frames, 950, 200, 90),
            Pass(10, 110, 230, -120, 1400, 560, 140), Wander(11, 143, Frames, 560, 560, 52),
        ]);
        yield return Clip("at the border", [Pass(12, 0, 120, 1180, 1240, 300, 200), Pass(13, 20, Frames, 60, 30, 420, 180), Wander(14, 0, Frames, 640, 660, 150)]);
        yield return Clip("small faces", [Wander(15, 0, Frames, 300, 300, 40), Wander(16, 0, Frames, 640, 420, 60), Wander(17, 0, Frames, 950, 350, 80)]);
        yield return Clip("five faces",
        [
            Wander(18, 0, Frames, 200, 300, 130), Wander(19, 0, Frames, 450, 400, 110), Wander(20, 0, Frames, 700, 300, 150),
            Wander(21, 0, Frames, 940, 400, 120), Wander(22, 0, Frames, 1150, 300, 100),
        ]);
        yield return Clip("cuts",
        [
            Wander(0, 0, 50, 500, 360, 170), Wander(3, 50, 110, 800, 360, 190), Wander(7, 50, 110, 400, 300, 130),
            Wander(11, 110, 150, 620, 400, 220), Wander(14, 150, Frames, 900, 360, 90), Wander(19, 150, Frames, 300, 360, 140),
        ], [50, 110, 150]);
    }

    public void Dispose()
    {
        foreach (FacePatch patch in _patches) patch.Dispose();
    }

    private static (string, Func<MadeClip>) Clip(string name, MovingFace[] faces, int[]? cuts = null) =>
        (name, () => new MadeClip(name, Width, Height, Frames, faces, cuts ?? []));

    /// <summary>Moves about a place and comes nearer and goes back, a little.</summary>
    private MovingFace Wander(int patch, int from, int to, double x, double y, double size) => new(_patches[patch % _patches.Length], from, to, frame =>
    {
        double t = frame / 30.0 + patch;
        return (x + 0.5 * size * Math.Sin(1.3 * t) + 0.15 * size * Math.Sin(3.1 * t), y + 0.2 * size * Math.Sin(1.9 * t + 1), size * (1 + 0.2 * Math.Sin(0.8 * t)));
    });

    /// <summary>Goes from one side to the other.</summary>
    private MovingFace Pass(int patch, int from, int to, double begin, double end, double y, double size) => new(_patches[patch % _patches.Length], from, to, frame =>
        (begin + (end - begin) * (frame - from) / (to - from), y + 0.1 * size * Math.Sin(frame / 12.0), size));
}
