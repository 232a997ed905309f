using System.Diagnostics;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Media;
using Img2Pose.Monitor.Configuration;
using Img2Pose.Monitor.Live;
using Img2Pose.Monitor.Masking;

namespace Img2Pose.Monitor.Cameras;

/// <summary>What became of one look at a camera, for who tells and keeps it. Valid during the call.</summary>
/// <param name="Camera">Its name.</param>
/// <param name="Picture">The picture as it may be shown, or null where it is withheld.</param>
/// <param name="Faces">The faces, by ascending identity.</param>
/// <param name="Width">Width of the picture, displayed pixels.</param>
/// <param name="Height">Its height.</param>
/// <param name="Time">When the picture was taken, UTC.</param>
/// <param name="Capture">The same as a timestamp of the monotonic clock.</param>
internal sealed record CameraLook(string Camera, VideoFrame? Picture, IReadOnlyList<WatchedFace> Faces, int Width, int Height, DateTimeOffset Time, long Capture);

/// <summary>
/// The end of a camera's session: every look goes to whoever watches and keeps. It never waits for anybody. One thread; the meters are
/// read by any.
/// </summary>
internal sealed class CameraSink : IFrameSink
{
    private static readonly TimeSpan s_tileInterval = TimeSpan.FromSeconds(1);
    private const int AgesKept = 200;

    private readonly CameraConfiguration _camera;
    private readonly CameraPictures _pictures;
    private readonly CodedFeed? _encoded;
    private readonly Action<CameraLook> _looked;
    private readonly MaskingTracker? _masking;
    private readonly FaceCovers? _covers;
    private readonly CameraView? _view;
    private readonly RateMeter _looks;
    private readonly List<WatchedFace> _faces = new(16);
    private readonly PictureCompressor _tiles = new();
    private readonly double[] _ages = new double[AgesKept];
    private LiveEncoder? _encoder;
    private long _tileDue, _count;
    private bool _encoderFailed;

    /// <param name="camera">What is watched.</param>
    /// <param name="pictures">Where tiles go.</param>
    /// <param name="encoded">Where coded pictures go that are made here; null where the camera's own are used.</param>
    /// <param name="masking">The tracker of a masked camera, else null.</param>
    /// <param name="looks">Counts looks.</param>
    /// <param name="looked">Told of every look.</param>
    public CameraSink(CameraConfiguration camera, CameraPictures pictures, CodedFeed? encoded, MaskingTracker? masking, RateMeter looks, Action<CameraLook> looked)
    {
        (_camera, _pictures, _encoded, _masking, _looks, _looked) = (camera, pictures, encoded, masking, looks, looked);
        if (masking is not null) _covers = new FaceCovers();
        if (camera.FieldOfView is { } degrees) _view = new CameraView(fieldOfView: degrees);
    }

    /// <summary>Faces at the last look.</summary>
    public int FacesNow { get; private set; }

    /// <summary>When the last look was done, a timestamp; 0 before the first.</summary>
    public long LastLook { get; private set; }

    /// <summary>Milliseconds from a picture to the end of its look, the last and the 95th percentile.</summary>
    public (double Last, double Percentile95)? Age
    {
        get
        {
            long count = Interlocked.Read(ref _count);
            if (count == 0) return null;
            double[] ages = _ages.AsSpan(0, (int)Math.Min(count, AgesKept)).ToArray();
            double last = _ages[(count - 1) % AgesKept];
            Array.Sort(ages);
            return (last, ages[(int)(0.95 * (ages.Length - 1))]);
        }
    }

    /// <inheritdoc/>
    public void Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces)
    {
        long now = Stopwatch.GetTimestamp();
        _ages[_count % AgesKept] = Stopwatch.GetElapsedTime(frame.CaptureTime, now).TotalMilliseconds;
        Interlocked.Increment(ref _count);
        _looks.Add();
        LastLook = now;
        if (_covers is null)
        {
            HandOn(frame, faces, frame);
            return;
        }
        double seconds = frame.PresentationTime ?? frame.CaptureTime / (double)Stopwatch.Frequency;
        bool isLookedAt = frame.PresentationTime is { } time && _masking!.HasLookedAt(time);
        if (_covers.Next(frame, faces, isLookedAt, seconds) is not { } composed) return;
        using (composed.Frame) HandOn(composed.Frame, composed.Faces, composed.Frame);
    }

    /// <inheritdoc/>
    public void Complete()
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _encoder?.Dispose();
        _tiles.Dispose();
        _covers?.Dispose();
        _encoded?.Break();
    }

    private void HandOn(VideoFrame frame, ReadOnlySpan<TrackedFace> faces, VideoFrame picture)
    {
        _faces.Clear();
        foreach (ref readonly TrackedFace face in faces)
        {
            if (face.Id > 0) _faces.Add(WatchedFace.Of(face, frame.DisplayWidth, frame.DisplayHeight, _view));
        }
        FacesNow = _faces.Count;
        DateTimeOffset taken = DateTimeOffset.UtcNow - Stopwatch.GetElapsedTime(frame.CaptureTime);
        _looked(new CameraLook(_camera.Name, picture, _faces, frame.DisplayWidth, frame.DisplayHeight, taken, frame.CaptureTime));
        MakeTile(picture, taken);
        Encode(picture);
    }

    private void MakeTile(VideoFrame picture, DateTimeOffset taken)
    {
        long now = Stopwatch.GetTimestamp();
        bool isWanted = _pictures.IsLargeWanted;
        if (now < _tileDue && !isWanted) return;
        if (now >= _tileDue)
        {
            _tileDue = Math.Max(_tileDue + (long)(s_tileInterval.TotalSeconds * Stopwatch.Frequency), now);
            _pictures.SetTile(_tiles.Compress(picture, CameraPictures.TileSize, 75), taken);
        }
        if (isWanted) _pictures.SetLarge(_tiles.Compress(picture, CameraPictures.LargeSize, 80), taken);
    }

    private void Encode(VideoFrame picture)
    {
        if (_encoded is null || _encoderFailed || !(_encoded.IsWanted || _camera.Clips)) return;
        try
        {
            _encoder ??= new LiveEncoder(_camera.Name, picture, _camera.Looks);
            _encoder.Encode(picture, _encoded);
        }
        catch (OutputException)
        {
            // Tiles and events go on; the page says that there is no full picture.
            _encoderFailed = true;
        }
    }
}
