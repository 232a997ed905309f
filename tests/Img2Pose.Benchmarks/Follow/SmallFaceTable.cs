using System.Globalization;
using Img2Pose.Formats;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Media;

namespace Img2Pose.Benchmarks.Follow;

/// <summary>
/// What following gives small faces: pictures are looked at so small that a face has 16 to 48 pixels for the network, as in a camera's wide picture, and its
/// crop, which is made of the picture's own pixels, as a look that follows it does.
/// </summary>
internal static class SmallFaceTable
{
    // As the engine has it for faces that are followed.
    private const double StayingPart = 0.65;

    private static readonly (int From, int To)[] s_sizes = [(16, 24), (24, 32), (32, 48)];

    /// <summary>Every n-th picture of an annotation pack: <c>small PACK [N]</c>.</summary>
    public static int Print(string pack, int every)
    {
        using PoseDetector detector = PoseDetector.Create(ModelPackage.Load(ModelLocator.Find(null)), new PoseDetectorOptions { Device = "cpu", Threads = 1 });
        double threshold = detector.ScoreThreshold, staying = detector.Model.Metadata.PartOf(threshold, StayingPart);
        AnnotatedImage[] images = AnnotationPackReader.Load(pack);
        List<FaceDetection> full = [];
        List<CropFace> crops = [];
        Console.WriteLine("size     faces   whole look: found  rotation   crop: found  above staying score  rotation   of both: whole / crop");
        foreach ((int from, int to) in s_sizes)
        {
            Random random = new(1);
            int faces = 0, inFull = 0, inCrop = 0, stays = 0;
            List<double> fullError = [], cropError = [], bothFull = [], bothCrop = [];
            for (int n = 0; n < images.Length; n += every)
            {
                AnnotatedImage image = images[n];
                using VideoFrame frame = ImageFile.Read(image.Path);
                foreach (AnnotatedFace truth in image.Faces)
                {
                    double size = Math.Max(truth.Box.Width, truth.Box.Height), wanted = from + random.NextDouble() * (to - from);
                    if (truth.Ignore || truth.Pose is not { } pose || size < wanted) continue;
                    int side = (int)Math.Round(Math.Max(frame.Width, frame.Height) * wanted / size);
                    if (side < 64) continue;
                    faces++;
                    detector.Detect(frame, detector.Size.WithSize(side), threshold, full);
                    FaceDetection seen = Best(full, truth.Box);
                    if (seen.Score > threshold)
                    {
                        inFull++;
                        fullError.Add(Degrees(seen.Pose, pose));
                    }
                    // As a prediction is off.
                    double dx = (random.NextDouble() - 0.5) * 0.15 * size, dy = (random.NextDouble() - 0.5) * 0.15 * size;
                    Box expected = new(truth.Box.Left + dx, truth.Box.Top + dy, truth.Box.Right + dx, truth.Box.Bottom + dy);
                    PictureRegion region = FaceCrop.Around(expected, FollowedSize.EnlargedShare, frame.Width, frame.Height);
                    detector.DetectInCrops([CropView.Within(frame, region, FollowedSize.EnlargedSide)], FollowedSize.EnlargedSide, FollowedSize.EnlargedSide, staying, crops);
                    FaceDetection near = Best([.. crops.Select(crop => crop.Face)], truth.Box);
                    if (near.Score > staying) stays++;
                    if (near.Score > threshold)
                    {
                        inCrop++;
                        cropError.Add(Degrees(near.Pose, pose));
                    }
                    if (seen.Score <= threshold || near.Score <= threshold) continue;
                    bothFull.Add(Degrees(seen.Pose, pose));
                    bothCrop.Add(Degrees(near.Pose, pose));
                }
            }
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{from}–{to}  {faces,7}  {(double)inFull / faces,18:0.000}  {Median(fullError),8:0.00}  {(double)inCrop / faces,12:0.000}  {(double)stays / faces,18:0.000}  {Median(cropError),9:0.00}   {Median(bothFull),8:0.00} / {Median(bothCrop):0.00}"));
        }
        return 0;
    }

    private static FaceDetection Best(List<FaceDetection> found, Box truth) =>
        found.Where(face => face.Box.IntersectionOverUnion(truth) >= 0.4).OrderByDescending(face => face.Score).FirstOrDefault();

    private static double Degrees(Pose a, Pose b) => RotationVector.GeodesicDistance(a.Rotation, b.Rotation) * 180 / Math.PI;

    private static double Median(List<double> values) => values.Count == 0 ? double.NaN : values.Order().ElementAt(values.Count / 2);
}
