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
    private const int MostCrops = 16;

    /// <summary>Faces of a whole picture of which crops are looked at for comparison at most; more are not followed anyway.</summary>
    private const int MostCompared = 12;

    /// <summary>A face in a crop is the expected one, or that of the whole picture, where their boxes overlap at least this much.</summary>
    private const double ExpectedOverlap = 0.1, SameOverlap = 0.4;

    /// <summary>A face that is found where it overlaps the expected box less has jumped: the prediction cannot be relied on.</summary>
    private const double JumpOverlap = 0.3;

    private readonly List<VideoFrame> _frames = [];
    private readonly List<List<FaceDetection>> _lists = [];
    private readonly List<Request> _requests = [];
    private readonly List<Request> _run = [];
    private readonly List<CropView> _views = [];
    private readonly List<CropFace> _found = [];
    private readonly List<Seen> _seen = [];
    private readonly List<Own> _own = [];
    private readonly List<FaceDetection> _whole = [];
    private readonly List<(int Look, int Face)> _uncovered = [];
    private bool[] _taken = new bool[16];

    /// <summary>Fills the faces of every look. Their pictures are of one size where more than one is looked at as a whole.</summary>
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
        _frames.Clear();
        _lists.Clear();
        foreach (Look look in looks)
        {
            if (!look.IsWhole) continue;
            _frames.Add(look.Frame!);
            _lists.Add(look.Faces);
        }
        if (_frames.Count == 1) detector.Detect(_frames[0], ThresholdOf(looks[0]), _lists[0]);
        else if (_frames.Count > 1) detector.Detect(_frames, ThresholdOf(looks[0]), _lists);
    }

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
                bool stays = !look.IsWhole && face.Crop.HasRegion && FollowedSize.Fits(face.Expected, RegionOf(look.Frame!, face.Crop.Region));
                Request request = RequestFor(look.Frame!, i, k, face.Expected, face.Crop.Correction.IsKnown);
                _requests.Add(stays ? request with { Region = face.Crop.Region } : request);
                if (!look.IsWhole) look.LookedAt.Add(RegionOf(look.Frame!, _requests[^1].Region));
            }
        }
        RunRequests(looks);
    }

    private void RunRequests(IReadOnlyList<Look> looks)
    {
        _seen.Clear();
        RunRequests(looks, FollowedSize.SmallSide);
        RunRequests(looks, FollowedSize.LargeSide);
    }

    private void RunRequests(IReadOnlyList<Look> looks, int side)
    {
        _run.Clear();
        foreach (Request request in _requests)
        {
            if (request.Side == side) _run.Add(request);
        }
        for (int first = 0; first < _run.Count; first += MostCrops)
        {
            int count = Math.Min(MostCrops, _run.Count - first);
            _views.Clear();
            for (int i = 0; i < count; i++) _views.Add(new CropView(looks[_run[first + i].Look].Frame!, _run[first + i].Region));
            detector.DetectInCrops(_views, side, ThresholdOf(looks[0]), _found);
            foreach (CropFace face in _found) _seen.Add(new Seen(_run[first + face.Crop], face));
        }
    }

    /// <summary>Makes faces of what crops and whole picture showed of one look.</summary>
    private void Match(Look look, int index)
    {
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
            detector.Detect(look.Frame!, ThresholdOf(look), look.Faces);
        }
        _whole.Clear();
        _whole.AddRange(look.Faces);
        look.Faces.Clear();
        foreach (FaceDetection face in _whole)
        {
            int match = BestOwn(face.Box);
            if (match < 0)
            {
                _uncovered.Add((index, look.Faces.Count));
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
            _own.Add(new Own(chosen.Face, found.Face, chosen.Region, found.IsCut || bestOverlap < JumpOverlap, chosen.IsLarge));
        }
    }

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
        FaceDetection face = known.Correction.IsKnown ? detector.WithPose(own.Face, known.Correction.Apply(own.Face.Pose), look.Frame!) : own.Face;
        Add(look, face, new FollowedCrop(own.Region, known.Correction, IsNew: false));
    }

    /// <summary>A face that was seen both ways. A small one has more pixels in its crop, so that its pose is the crop's.</summary>
    private static void AddBoth(Look look, in FaceDetection whole, in Own own)
    {
        FaceDetection crop = own.Face;
        if (own.IsLarge) Add(look, whole, new FollowedCrop(own.Region, PoseCorrection.Between(crop.Pose, whole.Pose), IsNew: true));
        else Add(look, crop.Score >= whole.Score ? crop : crop with { Score = whole.Score }, new FollowedCrop(own.Region, PoseCorrection.None, IsNew: true));
    }

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
            if (look.Faces.Count <= MostCompared) _requests.Add(RequestFor(look.Frame!, i, face, look.Faces[face].Box, wasLarge: false));
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
            look.Crops[request.Face] = new FollowedCrop(request.Region, request.IsLarge ? PoseCorrection.Between(crop.Pose, whole.Pose) : PoseCorrection.None, IsNew: true);
            if (!request.IsLarge) look.Faces[request.Face] = crop.Score >= whole.Score ? crop : crop with { Score = whole.Score };
        }
    }

    private Request RequestFor(VideoFrame frame, int look, int face, in Box expected, bool wasLarge)
    {
        (int resized, _) = detector.Size.Resize(frame.DisplayWidth, frame.DisplayHeight);
        double size = Math.Max(expected.Width, expected.Height) * resized / frame.DisplayWidth;
        bool large = FollowedSize.IsLarge(size, wasLarge);
        double column = (double)frame.Width / frame.DisplayWidth, row = (double)frame.Height / frame.DisplayHeight;
        PictureRegion region = FaceCrop.Around(expected.Scale(column, row), large ? FollowedSize.LargeShare : FollowedSize.SmallShare, frame.Width, frame.Height);
        return new Request(look, face, region, large ? FollowedSize.LargeSide : FollowedSize.SmallSide, large);
    }

    private static Box RegionOf(VideoFrame frame, in PictureRegion region) =>
        region.ToBox().Scale((double)frame.DisplayWidth / frame.Width, (double)frame.DisplayHeight / frame.Height);

    /// <summary>A crop to be looked at: of which look, for which of its faces.</summary>
    private readonly record struct Request(int Look, int Face, PictureRegion Region, int Side, bool IsLarge);

    private readonly record struct Seen(Request Request, CropFace Face);

    /// <summary>The face that was expected, as its crop shows it.</summary>
    private readonly record struct Own(int Request, FaceDetection Face, PictureRegion Region, bool IsDoubtful, bool IsLarge);
}
