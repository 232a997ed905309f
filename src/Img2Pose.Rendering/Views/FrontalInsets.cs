using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Rendering.Blending;
using Img2Pose.Rendering.Meshes;

namespace Img2Pose.Rendering.Views;

/// <summary>
/// Small frontal views of the tracked faces of a frame, at its right edge: taken before anything is drawn on it, painted
/// afterwards. What each face has shown is remembered, so that a turning head fills its own view. Not thread-safe; buffers are
/// kept, so that a frame costs no allocation once its faces are known.
/// </summary>
/// <param name="device">What draws them, disposed with this; null: the CPU.</param>
internal sealed class FrontalInsets(FaceViewDevice? device = null) : IDisposable
{
    /// <summary>Faces that are shown at most: those of the lowest identities.</summary>
    public const int MostFaces = 4;

    // Faces that are remembered at once, over all streams.
    private const int MostTextures = 32;

    private readonly Dictionary<(StreamId Stream, int Id), Known> _known = [];
    private readonly int[] _chosen = new int[MostFaces];
    private readonly byte[][] _pixels = new byte[MostFaces][];
    private FaceSurface? _surface;
    private FaceViewRenderer? _renderer;
    private long _frames;
    private int _count;

    /// <summary>Side of an inset in a picture of a height, displayed pixels: a multiple of 16, about two ninths.</summary>
    public static int SideFor(int height) => Math.Clamp((int)Math.Round(height / 72.0) * 16, 48, 320);

    /// <summary>Draws the views of a frame's faces, aside.</summary>
    /// <param name="frame">The frame, undrawn; only read.</param>
    /// <param name="faces">Its faces, by ascending identity; those without one are not shown.</param>
    public void Take(VideoFrame frame, ReadOnlySpan<TrackedFace> faces)
    {
        int side = SideFor(frame.DisplayHeight);
        if (_renderer is null || _renderer.Size != side)
        {
            _renderer = new FaceViewRenderer(new FaceViewOptions { Size = side, Live = true }, _surface ??= FaceSurface.LoadDefault(), device);
            for (int i = 0; i < MostFaces; i++) _pixels[i] = new byte[3 * side * side];
        }
        _frames++;
        _count = 0;
        CameraIntrinsics camera = CameraIntrinsics.ForImage(frame.DisplayWidth, frame.DisplayHeight);
        foreach (ref readonly TrackedFace face in faces)
        {
            if (face.Id <= 0) continue;
            if (_count == Math.Min(MostFaces, frame.DisplayHeight / side)) break;
            FaceTexture texture = TextureOf(frame.Stream, face.Id);
            // Where the tracker only guesses, nothing is learned; the view is of what is remembered as much as of the picture.
            if (!_renderer.Prepare(frame, face.Face.Pose, camera, texture)) continue;
            _renderer.Render(0, 0, _pixels[_count]);
            _chosen[_count++] = face.Id;
        }
    }

    /// <summary>Paints what <see cref="Take"/> has drawn into the frame.</summary>
    /// <param name="frame">The same picture, which only the caller holds.</param>
    public void Paint(VideoFrame frame)
    {
        if (_renderer is null) return;
        int side = _renderer.Size;
        // The planes may have other than square pixels; chroma is halved, so that edges are even.
        int width = Even(side * (double)frame.Width / frame.DisplayWidth), height = Even(side * (double)frame.Height / frame.DisplayHeight);
        int left = (frame.Width - width) & ~1;
        if (left < 0) return;
        for (int i = 0; i < _count && (i + 1) * height <= frame.Height; i++) RgbPainter.Paint(frame, left, i * height, width, height, _pixels[i], side);
    }

    /// <inheritdoc/>
    public void Dispose() => device?.Dispose();

    private FaceTexture TextureOf(StreamId stream, int id)
    {
        if (!_known.TryGetValue((stream, id), out Known? known))
        {
            if (_known.Count == MostTextures) _known.Remove(_known.MinBy(pair => pair.Value.LastSeen).Key);
            _known.Add((stream, id), known = new Known());
        }
        known.LastSeen = _frames;
        return known.Texture;
    }

    private static int Even(double value) => Math.Max(2, (int)Math.Round(value / 2) * 2);

    private sealed class Known
    {
        public FaceTexture Texture { get; } = new();

        public long LastSeen { get; set; }
    }
}
