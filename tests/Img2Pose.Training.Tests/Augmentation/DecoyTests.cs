using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Training.Augmentation;
using Img2Pose.Training.Data;

namespace Img2Pose.Training.Tests.Augmentation;

public sealed class DecoyTests
{
    // Scenes outlive the method that makes them.
    private static readonly PixelLoans s_loans = new();

    private const int Side = 128;

    private static readonly Pose FacePose = new(new Vector3d(0.05, 0.2, 0.1), new Vector3d(-1.5, -1, 15));

    [Fact]
    public void Decoys_are_drawn_beside_faces_and_never_over_them()
    {
        int changed = 0;
        for (int draw = 0; draw < 60; draw++)
        {
            SceneComposer scene = SceneWithOneFace();
            Box face = scene.FaceBoxAt(0);
            byte[] before = [.. scene.Canvas.Pixels];
            SampleRandom random = new(5, draw);

            Decoys.Add(scene, ref random);

            for (int y = 0; y < Side; y++)
            {
                for (int x = 0; x < Side; x++)
                {
                    int at = (y * Side + x) * 3;
                    if (before.AsSpan(at, 3).SequenceEqual(scene.Canvas.Pixels.AsSpan(at, 3))) continue;
                    changed++;
                    Assert.False(x + 1 > face.Left && x < face.Right && y + 1 > face.Top && y < face.Bottom, $"draw {draw} painted ({x}, {y}) of the face {face}");
                }
            }
        }
        // On average a drawing of some 10 by 10 pixels a scene at least.
        Assert.True(changed > 60 * 100, $"only {changed} pixels were painted");
    }

    [Fact]
    public void Decoys_are_not_labelled()
    {
        SceneComposer scene = SceneWithOneFace();
        SampleRandom random = new(5, 1);

        Decoys.Add(scene, ref random);
        TrainingSample sample = scene.Finish();

        Assert.Equal(0, RotationVector.GeodesicDistance(FacePose.Rotation, Assert.Single(sample.Faces).Pose!.Value.Rotation), 6);
        Assert.False(sample.HasUncertain);
    }

    private static SceneComposer SceneWithOneFace()
    {
        Box box = FaceBox.FromPose(FacePose, CameraIntrinsics.ForImage(Side, Side), Side, Side, ReferenceFace.Default, FaceBoxFactors.Default);
        AnnotatedImage image = new()
        {
            Image = "plain.png",
            Path = "plain.png",
            Width = Side,
            Height = Side,
            Set = "plain",
            Complete = true,
            Faces = [new AnnotatedFace { Box = box, Pose = FacePose, Label = "gt68", Ignore = false }],
        };
        byte[] pixels = new byte[Side * Side * 3];
        Array.Fill(pixels, (byte)128);
        SceneComposer scene = new(Side, Side, new SampleGeneratorOptions { Width = Side, Height = Side }, s_loans);
        scene.AddLayer(new RgbPicture(pixels, Side, Side), image, SimilarityWarp.Taking(0, 0, 0, 0, 1, 0, false), LayerShape.Whole, scene.Canvas.Bounds);
        return scene;
    }
}
