using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Training.Augmentation;
using Img2Pose.Training.Data.Lmdb;
using Img2Pose.Training.Optimization;

namespace Img2Pose.Training.Data;

/// <summary>A face that the paper's network may learn from.</summary>
/// <param name="Marked">Box and points: the annotated landmarks, or else the posed reference's 68 points in the picture.</param>
/// <param name="Pose">Pose under the picture's intrinsics, or null where it is unknown: such a face is blacked out.</param>
/// <param name="HasLandmarks">Whether the points were annotated, so that poses come from them.</param>
internal sealed record PaperFace(MarkedFace Marked, Pose? Pose, bool HasLandmarks);

/// <summary>A picture and its faces, before augmentation.</summary>
internal sealed record PaperPicture(RgbPicture Picture, IReadOnlyList<PaperFace> Faces, string Source);

/// <summary>A picture and its labels, ready to be resized.</summary>
internal sealed record PaperSample(RgbPicture Picture, PaperLabels Labels)
{
    /// <summary>Where the picture comes from: file and line, or database and key.</summary>
    internal string Source { get; init; } = "";
}

/// <summary>Which of the original's augmentations are applied.</summary>
internal sealed record PaperAugmentations(bool Flip = false, bool Crop = false, bool Noise = false, bool Contrast = false);

/// <summary>
/// Makes training samples as the original's two loaders do (golden/dataset/loader_targets.json): faces without a pose are
/// blacked out, and training boxes come from projecting the posed 68 points. A face that a crop cuts is blacked out too, so
/// that no face is taught as background.
/// </summary>
internal sealed class PaperLoader(ReferenceFace reference, PaperAugmentations augmentations)
{
    internal PaperSample Load(PaperPicture source, IAugmentationDraws draws)
    {
        RgbPicture picture = source.Picture;
        bool mirrored = augmentations.Flip && draws.Integer(0, 1) == 1;
        if (mirrored) picture = OriginalAugmentation.Mirror(picture);
        List<MarkedFace> marked = [.. source.Faces.Select(face => mirrored ? OriginalAugmentation.Mirror(face.Marked, picture.Width) : face.Marked)];
        PixelRectangle whole = new(0, 0, picture.Width, picture.Height);
        PixelRectangle window = augmentations.Crop ? OriginalAugmentation.DrawCrop(picture.Width, picture.Height, Usable(source, marked), draws) : whole;
        bool cropped = window != whole;
        // What changes below is this sample's own copy.
        if (cropped || !mirrored) picture = OriginalAugmentation.Crop(picture, window);
        if (augmentations.Noise) OriginalAugmentation.AddNoise(picture.Pixels, picture.Width, picture.Height, draws);
        if (augmentations.Contrast) OriginalAugmentation.ChangeContrast(picture.Pixels, draws);

        List<float> boxes = [];
        List<Pose> poses = [];
        CameraIntrinsics camera = CameraIntrinsics.ForImage(picture.Width, picture.Height);
        for (int i = 0; i < marked.Count; i++)
        {
            MarkedFace? kept = source.Faces[i].Pose is null ? null : cropped ? OriginalAugmentation.Crop(marked[i], window) : marked[i];
            Pose? pose = kept is null ? null : PoseOf(source, source.Faces[i], kept, mirrored, window, camera);
            Box box = pose is { } known ? FaceBox.FromPose(known, camera, picture.Width, picture.Height, reference, FaceBoxFactors.Default) : default;
            if (pose is null || box.IsEmpty)
            {
                Box dark = marked[i].Box;
                BlackOut(picture, new Box(dark.Left - window.Left, dark.Top - window.Top, dark.Right - window.Left, dark.Bottom - window.Top));
                continue;
            }
            boxes.AddRange([(float)box.Left, (float)box.Top, (float)box.Right, (float)box.Bottom]);
            poses.Add(pose.Value);
        }
        return new PaperSample(picture, new PaperLabels([.. boxes], [.. poses])) { Source = source.Source };
    }

    private static List<MarkedFace> Usable(PaperPicture source, List<MarkedFace> marked) =>
        [.. marked.Where((_, i) => source.Faces[i].Pose is not null)];

    private Pose? PoseOf(PaperPicture source, PaperFace face, MarkedFace kept, bool mirrored, PixelRectangle window, CameraIntrinsics camera)
    {
        RgbPicture picture = source.Picture;
        bool changed = mirrored || window != new PixelRectangle(0, 0, picture.Width, picture.Height);
        if (!changed) return face.Pose;
        if (face.HasLandmarks)
        {
            PackedNumber[][] landmarks = [.. kept.Points!.Select(point => new[] { PackedNumber.Real(point.X), PackedNumber.Real(point.Y) })];
            return LmdbDataset.LocalPose(landmarks, kept.Box, reference, source.Source) is { } local ? PoseConversion.BoxToFull(local, camera, kept.Box) : null;
        }
        SimilarityWarp warp = new(1, 0, mirrored, (mirrored ? picture.Width : 0) - window.Left, -window.Top);
        return PoseWarp.Refit(reference.Points68, face.Pose!.Value, CameraIntrinsics.ForImage(picture.Width, picture.Height), warp, camera);
    }

    private static void BlackOut(RgbPicture picture, in Box box)
    {
        int left = Math.Clamp((int)box.Left, 0, picture.Width), right = Math.Clamp((int)box.Right, left, picture.Width);
        int top = Math.Clamp((int)box.Top, 0, picture.Height), bottom = Math.Clamp((int)box.Bottom, top, picture.Height);
        for (int y = top; y < bottom; y++) picture.Pixels.AsSpan((y * picture.Width + left) * 3, (right - left) * 3).Clear();
    }
}
