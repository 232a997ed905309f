using System.Globalization;
using Img2Pose.Formats;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Media;

namespace Img2Pose.Benchmarks.Follow;

/// <summary>What rotations crops tell against those of whole looks: of the pictures of a pack, and picture by picture of a clip.</summary>
internal static class BiasStudy
{
    private static readonly double[] s_margins = [0];
    private static readonly double[] s_sizes = [0, 24, 32, 48, 64, 96, 128, 192, 10000];
    private static readonly (int Side, double Share)[] s_crops = [(64, 0.7), (64, 0.55), (128, 0.7), (128, 0.85), (192, 0.8)];

    /// <summary>Crops of whole cells against whole looks: <c>grid PACK [N]</c>.</summary>
    public static int PrintGrid(string pack, int every)
    {
        using PoseDetector detector = Open();
        AnnotatedImage[] images = AnnotationPackReader.Load(pack);
        Dictionary<(int Bucket, int Margin), (List<double> Apart, List<double> Pixels, int Faces)> rows = [];
        List<FaceDetection> full = [];
        List<CropFace> found = [];
        for (int n = 0; n < images.Length; n += every)
        {
            using VideoFrame frame = ImageFile.Read(images[n].Path);
            detector.Detect(frame, full);
            LookGrid grid = detector.GridOf(frame);
            foreach (FaceDetection face in full)
            {
                double size = Math.Max(face.Box.Width, face.Box.Height) * grid.ResizedWidth / frame.DisplayWidth;
                int bucket = Array.FindIndex(s_sizes, limit => size < limit) - 1;
                for (int m = 0; m < s_margins.Length; m++)
                {
                    GridCrop crop = grid.Around(face.Box.Scale((double)frame.Width / frame.DisplayWidth, (double)frame.Height / frame.DisplayHeight));
                    detector.DetectInCrops([new CropView(frame, crop.Region, crop.Width, crop.Height)], crop.PaddedWidth, crop.PaddedHeight, 0.3, found);
                    if (!rows.TryGetValue((bucket, m), out var row)) row = ([], [], 0);
                    CropFace match = found.Where(other => other.Face.Box.IntersectionOverUnion(face.Box) >= 0.4).OrderByDescending(other => other.Face.Score).FirstOrDefault();
                    if (match.Face.Score > 0.3) row.Apart.Add(Degrees(match.Face.Pose.Rotation, face.Pose.Rotation));
                    row.Pixels.Add(crop.Pixels / 245760);
                    rows[(bucket, m)] = (row.Apart, row.Pixels, row.Faces + 1);
                }
            }
        }
        foreach (((int bucket, int m), (List<double> apart, List<double> pixels, int faces)) in rows.OrderBy(row => row.Key))
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{s_sizes[bucket],4}–{s_sizes[bucket + 1],-5} margin {s_margins[m],3}: {apart.Count} of {faces}, apart {Quantile(apart, 0.5):0.000} 90 % {Quantile(apart, 0.9):0.000}, pixels {pixels.Average():0.000}"));
        return 0;
    }

    /// <summary>Rotation vectors of the largest face, picture by picture, of whole looks and of crops that stay for five pictures: <c>bias CLIP</c>.</summary>
    public static int PrintClip(string shared, string name)
    {
        using PoseDetector detector = Open();
        using MadeClips made = new(Path.Combine(shared, "data", "dev"));
        string file = Path.Combine(shared, "media", name);
        using IFrameSource source = File.Exists(file) ? MediaSource.Open(file, new SourceOptions()) : made.All().First(clip => clip.Name == name).Make();
        List<FaceDetection> full = [];
        List<CropFace> found = [];
        Box? last = null;
        PictureRegion[] regions = new PictureRegion[s_crops.Length];
        for (int n = 0; source.TryRead(out VideoFrame? frame); n++)
        {
            using (frame)
            {
                detector.Detect(frame, full);
                FaceDetection face = full.OrderByDescending(face => face.Box.Width * face.Box.Height).FirstOrDefault();
                if (full.Count == 0) continue;
                double column = (double)frame.Width / frame.DisplayWidth, row = (double)frame.Height / frame.DisplayHeight;
                List<string> words = [n.ToString(CultureInfo.InvariantCulture), Text(face.Pose.Rotation)];
                bool whole = n % 5 == 0 || last is null;
                for (int c = 0; c < s_crops.Length; c++)
                {
                    if (last is null) regions[c] = FaceCrop.Around(face.Box.Scale(column, row), s_crops[c].Share, frame.Width, frame.Height);
                    words.Add(Look(regions[c], s_crops[c].Side));
                    // The new one, laid by what the picture before showed.
                    if (whole && last is { } box) regions[c] = FaceCrop.Around(box.Scale(column, row), s_crops[c].Share, frame.Width, frame.Height);
                    words.Add(whole ? Look(regions[c], s_crops[c].Side) : "nan nan nan");
                }
                for (int again = 0; again < 1; again++)
                {
                    GridCrop crop = detector.GridOf(frame).Around((last ?? face.Box).Scale(column, row));
                    detector.DetectInCrops([new CropView(frame, crop.Region, crop.Width, crop.Height)], crop.PaddedWidth, crop.PaddedHeight, 0.3, found);
                    words.Add(Best());
                }
                Console.WriteLine(string.Join(" ", words));
                last = face.Box;

                string Look(PictureRegion region, int side)
                {
                    detector.DetectInCrops([CropView.Within(frame, region, side)], side, side, 0.3, found);
                    return Best();
                }

                string Best()
                {
                    CropFace match = found.Where(other => other.Face.Box.IntersectionOverUnion(face.Box) >= 0.4).OrderByDescending(other => other.Face.Score).FirstOrDefault();
                    return match.Face.Score > 0 ? Text(match.Face.Pose.Rotation) : "nan nan nan";
                }
            }
        }
        return 0;
    }

    private static PoseDetector Open() => PoseDetector.Create(ModelPackage.Load(ModelLocator.Find(null)), new PoseDetectorOptions { Device = "cpu", Threads = 1 });

    private static string Text(Vector3d v) => string.Create(CultureInfo.InvariantCulture, $"{v.X:0.00000} {v.Y:0.00000} {v.Z:0.00000}");

    private static double Degrees(Vector3d a, Vector3d b) => RotationVector.GeodesicDistance(a, b) * 180 / Math.PI;

    private static double Quantile(List<double> values, double part) =>
        values.Count == 0 ? double.NaN : values.Order().ElementAt(Math.Min(values.Count - 1, (int)(part * values.Count)));
}
