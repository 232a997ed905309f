using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Testing;
using Img2Pose.Training.Augmentation;
using Img2Pose.Training.Data;

namespace Img2Pose.Training.Tests.Augmentation;

public sealed class SampleGeneratorTests
{
    private static readonly Lazy<SampleGenerator> Generator = new(() =>
    {
        // Every 40th picture of each kind keeps the test quick and all sets represented.
        AnnotatedImage[] images = [.. AnnotationPack.Load(SharedData.Require("data", "train")).Where((_, i) => i % 40 == 0)];
        return SampleGenerator.Create(images, new SampleGeneratorOptions { Width = 256, Height = 192, LoadThreads = 1 });
    });

    public SampleGeneratorTests() => Gtk.Require();

    [Fact]
    public void A_sample_depends_on_nothing_but_seed_and_index()
    {
        SharedData.Require("data", "train");
        TrainingSample first = Generator.Value.Generate(3, 17);
        Generator.Value.Generate(3, 18);
        TrainingSample again = Generator.Value.Generate(3, 17);
        TrainingSample other = Generator.Value.Generate(4, 17);

        Assert.Equal(first.Rgb, again.Rgb);
        Assert.Equal(first.Faces, again.Faces);
        Assert.Equal(first.Uncertain, again.Uncertain);
        Assert.NotEqual(first.Rgb, other.Rgb);
    }

    [Fact]
    public void Threads_do_not_change_samples()
    {
        SharedData.Require("data", "train");
        TrainingSample[] serial = [.. Enumerable.Range(0, 24).Select(i => Generator.Value.Generate(1, i))];
        TrainingSample[] parallel = new TrainingSample[24];
        Parallel.For(0, 24, i => parallel[i] = Generator.Value.Generate(1, i));

        for (int i = 0; i < 24; i++)
        {
            Assert.Equal(serial[i].Rgb, parallel[i].Rgb);
            Assert.Equal(serial[i].Faces, parallel[i].Faces);
        }
    }

    [Fact]
    public void Boxes_are_those_of_the_poses_and_lie_in_the_picture()
    {
        SharedData.Require("data", "train");
        int posed = 0;
        for (int i = 0; i < 100; i++)
        {
            TrainingSample sample = Generator.Value.Generate(2, i);
            Assert.Equal(256 * 192 * 3, sample.Rgb.Length);
            CameraIntrinsics camera = CameraIntrinsics.ForImage(256, 192);
            foreach (TrainingFace face in sample.Faces)
            {
                Assert.Equal(face.Box, face.Box.ClipTo(256, 192));
                Assert.False(face.Box.IsEmpty);
                if (face.Pose is not { } pose) continue;
                posed++;
                Assert.Equal(FaceBox.FromPose(pose, camera, 256, 192, ReferenceFace.Default, FaceBoxFactors.Default), face.Box);
                Assert.Equal(EulerAngles.FromRotationVector(pose.Rotation).Yaw, face.YawDegrees, 1e-3);
            }
        }
        Assert.InRange(posed, 50, 5000);
    }
}
