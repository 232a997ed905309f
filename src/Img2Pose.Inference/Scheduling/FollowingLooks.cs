using System.Runtime.InteropServices;
using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Inference.Scheduling;

/// <summary>
/// Does looks that follow faces: crops around where faces are expected, all of one side in one run of the network, the whole
/// picture where it is due or a face is lost, and both where the one is to be compared with the other. Not thread-safe.
/// </summary>
/// <remarks>
/// The crops are a batch of small pictures and not tiles of one: that costs the same (docs/performance.md), and no face
/// sees its neighbour through the network's receptive fields.
/// </remarks>
internal sealed class FollowingLooks(PoseDetector detector)
{
    /// <summary>Crops of one run at most: the network's memory grows with them.</summary>
    private const int MostCrops = 16, MostCropsOnGpu = 64;

    /// <summary>Faces of a whole picture of which crops are looked at for comparison at most; more are not followed anyway.</summary>
    private const int MostCompared = 12;

    /// <summary>A face in a crop is the expected one, or that of the whole picture, where their boxes overlap at least this much.</summary>
    private const double ExpectedOverlap = 0.1, SameOverlap = 0.4;

    /// <summary>A face that is found where it overlaps the expected box less has jumped: the prediction cannot be relied on.</summary>
    private const double JumpOverlap = 0.3;

    /// <summary>Rotations in crops of large faces scatter by this much, radians, around those of whole pictures: 7 degrees.</summary>
    private const double DoubtOfClose = 0.122;

    private readonly List<VideoFrame> _frames = [];
    private readonly List<List<FaceDetection>> _lists = [];
    private readonly List<Request> _requests = [];
    private readonly List<CropView> _views = [];
    private readonly List<CropFace> _found = [];
    private readonly List<Seen> _seen = [];
    private readonly List<Own> _own = [];
    private readonly List<FaceDetection> _whole = [];
    private readonly List<(int Look, int Face)> _uncovered = [];
    private bool[] _taken = new bool[16];

    /// <summary>Fills the faces of every look; those that do not follow faces are looked at as whole pictures.</summary>
    public void Run(IReadOnlyList<Look> looks)
    {
        try
        {
            foreach (Look look in looks)
            {
                look.Faces.Clear();
                look.Crops.Clear();
                look.LookedAt.Clear();
            }
            _uncovered.Clear();
            LookAtWhole(looks);
            LookAtCrops(looks);
            for (int i = 0; i < looks.Count; i++) Match(looks[i], i);
            // What was in the whole picture and no crop showed is compared now, so that the next crops can be corrected.
            Compare(looks);
        }
        finally
        {
            // Nothing may keep a frame alive past its lease.
            _frames.Clear();
            _views.Clear();
        }
    }

    private double ThresholdOf(Look look) => look.ScoreThreshold ?? detector.ScoreThreshold;

    private void LookAtWhole(IReadOnlyList<Look> looks)
    {
        // Pictures of one size are one batch; padding others to a common size would change what is found in them.
        for (int first = 0; first < looks.Count; first++)
        {
            if (looks[first] is { IsWhole: true, Known: { } known }) looks[first].Faces.AddRange(known);
            if (!MustLookAtWhole(looks[first]) || IsOfSize(looks[first], looks, first)) continue;
            _frames.Clear();
            _lists.Clear();
            for (int i = first; i < looks.Count; i++)
            {
                if (!MustLookAtWhole(looks[i]) || !AreOfOneSize(looks[first].Frame!, looks[i].Frame!)) continue;
                _frames.Add(looks[i].Frame!);
                _lists.Add(looks[i].Faces);
            }
            SizeRule rule = detector.RuleOf(looks[first].Size);
            if (_frames.Count == 1) detector.Detect(_frames[0], rule, ThresholdOf(looks[0]), _lists[0]);
            else detector.Detect(_frames, rule, ThresholdOf(looks[0]), _lists);
        }
    }

    /// <summary>Whether one of the looks before <paramref name="count"/> is at a whole picture of the same size.</summary>
    private static bool IsOfSize(Look look, IReadOnlyList<Look> looks, int count)
    {
        for (int i = 0; i < count; i++)
        {
            if (MustLookAtWhole(looks[i]) && AreOfOneSize(looks[i].Frame!, look.Frame!)) return true;
        }
        return false;
    }

    private static bool MustLookAtWhole(Look look) => look is { IsWhole: true, Known: null };

    private static bool AreOfOneSize(VideoFrame a, VideoFrame b) => a.DisplayWidth == b.DisplayWidth && a.DisplayHeight == b.DisplayHeight;

    /// <summary>Looks at the crops of all expected faces; what is found is in <see cref="_seen"/>.</summary>
    private void LookAtCrops(IReadOnlyList<Look> looks)
    {
        _requests.Clear();
        for (int i = 0; i < looks.Count; i++)
        {
            Look look = looks[i];
            for (int k = 0; k < look.Following.Count; k++)
            {
                FaceToFollow face = look.Following[k];
                // Where the whole picture is looked at the crop is laid anew, and compared with it.
                bool stays = !look.IsWhole && face.Crop.HasRegion && face.Crop.Kind == face.Kind
                    && FollowedSize.Fits(face.Kind, face.Expected, RegionOf(look.Frame!, face.Crop.Region));
                _requests.Add(RequestFor(look.Frame!, i, k, face.Kind, face.Expected, stays ? face.Crop.Region : null, look.Size));
                if (!look.IsWhole) look.LookedAt.Add(RegionOf(look.Frame!, _requests[^1].Region));
            }
        }
        RunRequests(looks);
    }

    /// <summary>Looks at what is asked for, inputs of one size in one run.</summary>
    private void RunRequests(IReadOnlyList<Look> looks)
    {
        int most = detector.DeviceMemory == MemoryKind.Cuda ? MostCropsOnGpu : MostCrops;
        _seen.Clear();
        _requests.Sort(static (a, b) => a.Input != b.Input ? a.Input.CompareTo(b.Input) : a.Look != b.Look ? a.Look.CompareTo(b.Look) : a.Face.CompareTo(b.Face));
        for (int first = 0, count; first < _requests.Count; first += count)
        {
            (int width, int height) = _requests[first].Input;
            for (count = 1; count < most && first + count < _requests.Count && _requests[first + count].Input == (width, height);) count++;
            _views.Clear();
            foreach (Request request in CollectionsMarshal.AsSpan(_requests).Slice(first, count))
                _views.Add(new CropView(looks[request.Look].Frame!, request.Region, request.Width, request.Height));
            detector.DetectInCrops(_views, width, height, ThresholdOf(looks[0]), _found);
            foreach (CropFace face in _found) _seen.Add(new Seen(_requests[first + face.Crop], face));
        }
    }

    /// <summary>Makes faces of what crops and whole picture showed of one look.</summary>
    private void Match(Look look, int index)
    {
        // What the whole picture showed is all that is asked for.
        if (!look.IsFollowing) return;
        ChooseOwn(look, index);
        if (!look.IsWhole)
        {
            if (!MustSeeWhole(look))
            {
                foreach (Own own in _own) AddCrop(look, own);
                return;
            }
            look.IsWhole = true;
            look.LookedAt.Clear();
            if (look.Known is { } known) look.Faces.AddRange(known);
            else detector.Detect(look.Frame!, detector.RuleOf(look.Size), ThresholdOf(look), look.Faces);
        }
        _whole.Clear();
        _whole.AddRange(look.Faces);
        look.Faces.Clear();
        foreach (FaceDetection face in _whole)
        {
            int match = BestOwn(face.Box);
            if (match < 0)
            {
                if (look.IsComparing) _uncovered.Add((index, look.Faces.Count));
                Add(look, face, FollowedCrop.None);
                continue;
            }
            Own own = _own[match];
            _own.RemoveAt(match);
            AddBoth(look, face, own);
        }
        // Crops see faces that the whole picture is too small for.
        foreach (Own own in _own) AddCrop(look, own);
    }

    /// <summary>Which face of the crops is which expected one; each is given once, the best fitting pairs first.</summary>
    private void ChooseOwn(Look look, int index)
    {
        _own.Clear();
        if (_taken.Length < look.Following.Count) _taken = new bool[2 * look.Following.Count];
        Span<bool> taken = _taken.AsSpan(0, look.Following.Count);
        taken.Clear();
        while (true)
        {
            int best = -1;
            double bestOverlap = ExpectedOverlap;
            for (int i = 0; i < _seen.Count; i++)
            {
                (Request request, CropFace face) = _seen[i];
                if (request.Look != index || taken[request.Face]) continue;
                double overlap = look.Following[request.Face].Expected.IntersectionOverUnion(face.Face.Box);
                if (overlap < bestOverlap || IsOwned(face.Face.Box)) continue;
                (best, bestOverlap) = (i, overlap);
            }
            if (best < 0) return;
            (Request chosen, CropFace found) = _seen[best];
            taken[chosen.Face] = true;
            _own.Add(new Own(chosen.Face, found.Face, chosen.Kind, chosen.Region, IsDoubtful(found, chosen.Kind, bestOverlap)));
        }
    }

    /// <summary>
    /// Whether a face that is where it was expected is not to be relied on. That it reaches a little beyond the cells that it was
    /// expected in shows where it goes; its crop is laid anew.
    /// </summary>
    private static bool IsDoubtful(in CropFace face, CropKind kind, double overlap) => overlap < JumpOverlap || (face.IsCut && kind != CropKind.Cells);

    private bool IsOwned(in Box box)
    {
        foreach (Own own in _own)
        {
            if (DuplicateSuppression.Default.AreDuplicates(own.Face.Box, box)) return true;
        }
        return false;
    }

    private bool MustSeeWhole(Look look)
    {
        for (int k = 0; k < look.Following.Count; k++)
        {
            if (!look.Following[k].Insists) continue;
            bool sure = false;
            foreach (Own own in _own) sure |= own.Request == k && !own.IsDoubtful && own.Face.Score > detector.ScoreThreshold;
            if (!sure) return true;
        }
        return false;
    }

    private int BestOwn(in Box box)
    {
        int best = -1;
        double bestOverlap = SameOverlap;
        for (int i = 0; i < _own.Count; i++)
        {
            double overlap = _own[i].Face.Box.IntersectionOverUnion(box);
            if (overlap >= bestOverlap) (best, bestOverlap) = (i, overlap);
        }
        return best;
    }

    /// <summary>A face that a crop alone shows: the pose is what the whole picture would have shown, as far as is known.</summary>
    private void AddCrop(Look look, in Own own)
    {
        FollowedCrop known = look.Following[own.Request].Crop;
        // What is known holds for the kind of crop that it was measured in.
        PoseCorrection correction = known.Kind == own.Kind ? known.Correction : PoseCorrection.None;
        FaceDetection face = correction.IsKnown ? detector.WithPose(own.Face, correction.Apply(own.Face.Pose), look.Frame!) : own.Face;
        Add(look, face, new FollowedCrop(own.Kind, own.Region, correction, IsNew: false));
    }

    /// <summary>A face that was seen both ways. A small one has more pixels in its crop, so that its pose is the crop's.</summary>
    private static void AddBoth(Look look, in FaceDetection whole, in Own own)
    {
        Add(look, Better(whole, own.Face, own.Kind), new FollowedCrop(own.Kind, own.Region, Correction(whole, own.Face, own.Kind), IsNew: true));
    }

    private static FaceDetection Better(in FaceDetection whole, in FaceDetection crop, CropKind kind) =>
        kind != CropKind.Enlarged ? whole : crop.Score >= whole.Score ? crop : crop with { Score = whole.Score };

    private static PoseCorrection Correction(in FaceDetection whole, in FaceDetection crop, CropKind kind) =>
        kind == CropKind.Enlarged ? PoseCorrection.None : PoseCorrection.Between(crop.Pose, whole.Pose, kind == CropKind.Close ? DoubtOfClose : 0);

    private static void Add(Look look, in FaceDetection face, in FollowedCrop crop)
    {
        look.Faces.Add(face);
        look.Crops.Add(crop);
    }

    private void Compare(IReadOnlyList<Look> looks)
    {
        _requests.Clear();
        foreach ((int i, int face) in _uncovered)
        {
            Look look = looks[i];
            if (look.Faces.Count <= MostCompared) _requests.Add(RequestFor(look.Frame!, i, face, CheapestFor(look.Frame!, look.Faces[face].Box, look.Size), look.Faces[face].Box, region: null, look.Size));
        }
        if (_requests.Count == 0) return;
        RunRequests(looks);
        foreach (Request request in _requests)
        {
            Look look = looks[request.Look];
            FaceDetection whole = look.Faces[request.Face];
            FaceDetection? best = null;
            double bestOverlap = SameOverlap;
            foreach ((Request of, CropFace face) in _seen)
            {
                double overlap = of == request ? face.Face.Box.IntersectionOverUnion(whole.Box) : 0;
                if (overlap >= bestOverlap) (best, bestOverlap) = (face.Face, overlap);
            }
            if (best is not { } crop) continue;
            look.Crops[request.Face] = new FollowedCrop(request.Kind, request.Region, Correction(whole, crop, request.Kind), IsNew: true);
            look.Faces[request.Face] = Better(whole, crop, request.Kind);
        }
    }

    private CropKind CheapestFor(VideoFrame frame, in Box box, int? size)
    {
        double inside = Math.Max(box.Width, box.Height) * detector.GridOf(frame, size).ResizedWidth / frame.DisplayWidth;
        return FollowedSize.Cheapest(inside, FollowedCrop.None);
    }

    /// <summary>What to look at for a face: the region that it is given, or one that is laid around where it is expected.</summary>
    private Request RequestFor(VideoFrame frame, int look, int face, CropKind kind, in Box expected, PictureRegion? region, int? size)
    {
        double column = (double)frame.Width / frame.DisplayWidth, row = (double)frame.Height / frame.DisplayHeight;
        if (kind == CropKind.Cells)
        {
            // A region of cells gives the same cells again; its edges are rounded to samples, its inside lies in them.
            Box inside = region is { } known ? new Box(known.Left + 1, known.Top + 1, known.Right - 1, known.Bottom - 1) : expected.Scale(column, row);
            GridCrop cells = detector.GridOf(frame, size).Around(inside);
            return new Request(look, face, kind, cells.Region, cells.Width, cells.Height, (cells.PaddedWidth, cells.PaddedHeight));
        }
        (int side, double share) = kind == CropKind.Close
            ? (FollowedSize.CloseSide, FollowedSize.CloseShare) : (FollowedSize.EnlargedSide, FollowedSize.EnlargedShare);
        CropView view = CropView.Within(frame, region ?? FaceCrop.Around(expected.Scale(column, row), share, frame.Width, frame.Height), side);
        return new Request(look, face, kind, view.Region, view.Width, view.Height, (side, side));
    }

    private static Box RegionOf(VideoFrame frame, in PictureRegion region) =>
        region.ToBox().Scale((double)frame.DisplayWidth / frame.Width, (double)frame.DisplayHeight / frame.Height);

    /// <summary>A crop to be looked at: of which look, for which of its faces, what it is resized to and in what size of input.</summary>
    private readonly record struct Request(int Look, int Face, CropKind Kind, PictureRegion Region, int Width, int Height, (int Width, int Height) Input);

    private readonly record struct Seen(Request Request, CropFace Face);

    /// <summary>The face that was expected, as its crop shows it.</summary>
    private readonly record struct Own(int Request, FaceDetection Face, CropKind Kind, PictureRegion Region, bool IsDoubtful);
}
