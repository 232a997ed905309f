using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Media;

namespace Img2Pose.Models.Tests.Golden;

/// <summary>
/// From picture to final detections, through a package and the detector as the program uses them, against what the
/// original's <c>predict()</c> returned, at the tolerances of <c>golden/README.md</c>, section 8.
/// </summary>
public sealed class GoldenDetectionTests
{
    [Theory]
    [MemberData(nameof(GoldenModelCase.Names), MemberType = typeof(GoldenModelCase))]
    public void Detections_are_the_originals(string name)
    {
        GoldenModelCase golden = GoldenModelCase.Load(name);
        string folder = Directory.CreateTempSubdirectory("img2pose-golden").FullName;
        try
        {
            string path = Path.Combine(folder, name + ".onnx");
            GoldenPackage.Write(golden, path);
            using PoseDetector detector = PoseDetector.Create(ModelPackage.Load(path), GoldenPackage.Options(golden));
            List<FaceDetection>[] faces = Detect(detector, golden);
            for (int image = 0; image < golden.Images; image++) AssertFaces(golden, image, faces[image]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static List<FaceDetection>[] Detect(PoseDetector detector, GoldenModelCase golden)
    {
        VideoFrame[] frames = [.. Enumerable.Range(0, golden.Images).Select(i => ImageFile.Read(golden.ImagePath(i)))];
        try
        {
            List<FaceDetection>[] faces = [.. frames.Select(_ => new List<FaceDetection>())];
            if (golden.GivenBoxes)
            {
                for (int i = 0; i < frames.Length; i++)
                {
                    Box[] proposals = [.. golden.Doubles("proposals", i).Chunk(4).Select(b => new Box(b[0], b[1], b[2], b[3]))];
                    detector.DetectAmong(frames[i], proposals, faces[i]);
                }
            }
            else
            {
                detector.Detect(frames, faces);
            }
            return faces;
        }
        finally
        {
            foreach (VideoFrame frame in frames) frame.Dispose();
        }
    }

    private static void AssertFaces(GoldenModelCase golden, int image, List<FaceDetection> faces)
    {
        double[] boxes = golden.Doubles("det_boxes", image);
        double[] poses = golden.Doubles("det_dofs", image);
        double[] scores = golden.Doubles("det_scores", image);
        bool[] stable = golden.Flags("det_stable", image);
        int unmatched = 0, shifted = 0;
        List<FaceDetection> left = [.. faces];
        for (int i = 0; i < scores.Length; i++)
        {
            int place = Nearest(left, poses.AsSpan(6 * i, 6));
            if (place < 0 || !Agrees(left[place], poses.AsSpan(6 * i, 6), scores[i]))
            {
                // One detection may differ where the original's own runs disagree about it.
                string nearest = place < 0 ? "nothing" : left[place].ToString();
                Assert.False(stable[i], $"detection {i} of image {image} is missing or differs; nearest is {nearest}");
                unmatched++;
                continue;
            }
            shifted += Shifted(golden, image, left[place].Box, boxes.AsSpan(4 * i, 4));
            left.RemoveAt(place);
        }
        Assert.True(unmatched <= 1 && left.Count <= 1 && Math.Abs(faces.Count - scores.Length) <= 1, $"{faces.Count} detections where the original has {scores.Length}");
        Assert.True(left.Count == 0 || unmatched == 1 || !Array.TrueForAll(stable, s => s), "a detection is there that the original does not have");
        // int() of a value at a whole number goes either way: at most 1 % of the coordinates.
        Assert.True(shifted <= Math.Ceiling(0.01 * boxes.Length), $"{shifted} of {boxes.Length} box coordinates are one pixel off");
    }

    private static int Nearest(List<FaceDetection> faces, ReadOnlySpan<double> pose)
    {
        int nearest = -1;
        double least = double.MaxValue;
        for (int i = 0; i < faces.Count; i++)
        {
            double distance = 0;
            double[] actual = Numbers(faces[i].Pose);
            for (int c = 0; c < 6; c++) distance += Math.Abs(actual[c] - pose[c]);
            if (distance < least) (nearest, least) = (i, distance);
        }
        return nearest;
    }

    private static bool Agrees(FaceDetection face, ReadOnlySpan<double> pose, double score)
    {
        double[] actual = Numbers(face.Pose);
        double reach = Math.Max(Math.Abs(pose[3]), Math.Max(Math.Abs(pose[4]), Math.Abs(pose[5])));
        if (Math.Abs(face.Score - score) > 2e-4) return false;
        for (int c = 0; c < 6; c++)
        {
            if (Math.Abs(actual[c] - pose[c]) > (c < 3 ? 1e-4 : 1e-4 * reach)) return false;
        }
        return true;
    }

    // How many coordinates are off by exactly one pixel of the resized picture; more is a failure.
    private static int Shifted(GoldenModelCase golden, int image, Box box, ReadOnlySpan<double> expected)
    {
        double x = golden.Case.GetProperty("images")[image].GetProperty("width").GetDouble() / golden.Resized[image].Width;
        double y = golden.Case.GetProperty("images")[image].GetProperty("height").GetDouble() / golden.Resized[image].Height;
        double[] actual = [box.Left, box.Top, box.Right, box.Bottom];
        int shifted = 0;
        for (int c = 0; c < 4; c++)
        {
            double difference = Math.Abs(actual[c] - expected[c]);
            if (difference <= 1e-3) continue;
            Assert.Equal(c % 2 == 0 ? x : y, difference, 1e-3);
            shifted++;
        }
        return shifted;
    }

    private static double[] Numbers(Pose pose) =>
        [pose.Rotation.X, pose.Rotation.Y, pose.Rotation.Z, pose.Translation.X, pose.Translation.Y, pose.Translation.Z];
}
