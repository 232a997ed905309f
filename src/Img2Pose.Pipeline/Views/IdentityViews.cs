using System.Diagnostics;
using System.Globalization;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Rendering.Meshes;
using Img2Pose.Rendering.Views;

namespace Img2Pose.Pipeline.Views;

/// <summary>
/// Keeps the best views of each identity of a video, and writes them as it goes: of the sharpest, most frontal and largest
/// picture, with what earlier pictures showed of the face. A sink of a session; also called by whoever draws over frames,
/// before that. One thread at a time.
/// </summary>
public sealed class IdentityViews : IPoseSink
{
    /// <summary>A picture must be better by this factor to take an earlier one's place.</summary>
    private const double Better = 1.15;

    /// <summary>Identities that are remembered at once; of more, those not seen for longest are done.</summary>
    private const int MostIdentities = 32;

    /// <summary>Files of an identity are not renewed more often, so that a live session writes little.</summary>
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(2);

    private readonly ViewPlan _plan;
    private readonly ViewFiles _files;
    private readonly string _source;
    private readonly FaceViewDevice? _device;
    private readonly FaceViewRenderer _renderer;
    private readonly Dictionary<int, Identity> _identities = [];
    private long _frames;

    /// <summary>Begins to keep views.</summary>
    /// <param name="files">Where they are written; disposed with this.</param>
    /// <param name="plan">Which.</param>
    /// <param name="source">Name of the video, as told to people.</param>
    /// <exception cref="UsageException">The plan makes no sense.</exception>
    /// <exception cref="InputException">The face surface is missing or broken.</exception>
    public IdentityViews(ViewFiles files, ViewPlan plan, string source)
    {
        plan.Validate();
        (_files, _plan, _source) = (files, plan, source);
        _device = FaceViewDevice.OpenCard();
        _renderer = new FaceViewRenderer(plan.Drawing, FaceSurface.LoadDefault(), _device);
    }

    /// <summary>Identities of which views were written.</summary>
    public long Faces { get; private set; }

    /// <inheritdoc/>
    public bool NeedsPicture => true;

    /// <inheritdoc/>
    public void Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces)
    {
        _frames++;
        CameraIntrinsics camera = CameraIntrinsics.ForImage(frame.DisplayWidth, frame.DisplayHeight);
        foreach (ref readonly TrackedFace face in faces)
        {
            if (face.Id <= 0 || !face.Detected) continue;
            if (!_identities.TryGetValue(face.Id, out Identity? identity)) identity = Add(face.Id);
            identity.LastSeen = _frames;
            if (!_renderer.Prepare(frame, face.Face.Pose, camera, identity.Texture)) continue;
            double quality = _renderer.Quality(face.Face.Pose);
            if (quality < Better * identity.Quality) continue;
            identity.Take(_renderer, _plan, quality, new ViewedFace(identity.Name, _source, frame.Index, face.Id, face.Face.Box, face.Face.Pose));
            if (identity.Written != 0 && Stopwatch.GetElapsedTime(identity.Written) < s_interval) continue;
            identity.Write(_files, _plan, final: false);
        }
    }

    /// <inheritdoc/>
    public void Finish(RunReport report, bool failed)
    {
        foreach (Identity identity in _identities.Values.OrderBy(identity => identity.Id)) End(identity);
        _identities.Clear();
        if (!failed) _files.Complete();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _files.Dispose();
        _device?.Dispose();
    }

    private Identity Add(int id)
    {
        if (_identities.Count == MostIdentities)
        {
            Identity oldest = _identities.Values.MinBy(identity => identity.LastSeen)!;
            _identities.Remove(oldest.Id);
            End(oldest);
        }
        Identity added = new(id, _files.TakeName(string.Create(CultureInfo.InvariantCulture, $"face-{id:0000}")), _plan);
        _identities.Add(id, added);
        return added;
    }

    private void End(Identity identity)
    {
        if (!identity.HasViews) return;
        identity.Write(_files, _plan, final: true);
        Faces++;
    }

    /// <summary>What is known of one face.</summary>
    private sealed class Identity(int id, string name, ViewPlan plan)
    {
        private readonly byte[] _excerpt = new byte[3 * plan.Drawing.Size * plan.Drawing.Size];
        private readonly DrawnView?[] _views = new DrawnView?[plan.Yaws.Count * plan.Pitches.Count];
        private ViewedFace? _face;

        public int Id => id;

        public string Name => name;

        public FaceTexture Texture { get; } = new(fine: !plan.Drawing.Live);

        public double Quality { get; private set; }

        public long LastSeen { get; set; }

        public long Written { get; private set; }

        public bool HasViews => _face is not null;

        public void Take(FaceViewRenderer renderer, ViewPlan plan, double quality, ViewedFace face)
        {
            (Quality, _face) = (quality, face);
            if (plan.ContactSheet) renderer.Excerpt(_excerpt);
            int at = 0;
            foreach (double pitch in plan.Pitches)
            {
                foreach (double yaw in plan.Yaws)
                {
                    byte[] pixels = _views[at]?.Pixels ?? new byte[_excerpt.Length];
                    _views[at++] = new DrawnView(yaw, pitch, pixels, renderer.Render(yaw, pitch, pixels));
                }
            }
        }

        public void Write(ViewFiles files, ViewPlan plan, bool final)
        {
            // The sheet keeps pictures until it is full; a final face is drawn no more.
            files.Write(_face!, plan.ContactSheet ? _excerpt : null, plan.Drawing.Size, _views!, final);
            Written = Stopwatch.GetTimestamp();
        }
    }
}
