using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Evaluation.Wider;

/// <summary>Runs a model over WIDER FACE pictures and writes the official prediction files.</summary>
public static class WiderRun
{
    /// <summary>
    /// A detector of single pictures that runs the whole loop of a picture; what it finds are the merged faces, without
    /// meaningful poses, since voting merges boxes alone.
    /// </summary>
    public static IPictureDetector Loop(IScaledDetector detector, WiderDetectionLoop loop) => new LoopDetector(detector, loop);

    /// <summary>Writes the prediction files of a run, one a picture.</summary>
    /// <param name="folder">Where to; folders are made.</param>
    /// <param name="run">The run; its pictures are named <c>EVENT/NAME.jpg</c>.</param>
    /// <exception cref="OutputException">A file cannot be written.</exception>
    public static void Write(string folder, PictureRun run)
    {
        foreach (PicturePrediction picture in run.Pictures)
        {
            string fileName = Path.GetFileName(picture.Image);
            string path = WiderPredictions.PathOf(folder, Path.GetDirectoryName(picture.Image) ?? "", Path.GetFileNameWithoutExtension(fileName));
            WiderPredictions.Write(path, fileName, [.. picture.Faces.Select(face => new WiderDetection(face.Box, face.Score))]);
        }
    }

    /// <summary>Reads the predictions of every picture of the ground truth.</summary>
    /// <exception cref="InputException">A file is absent or wrong.</exception>
    public static WiderDetection[][] Read(string folder, IReadOnlyList<WiderPicture> pictures) =>
        [.. pictures.Select(picture => WiderPredictions.Read(WiderPredictions.PathOf(folder, picture.Event, picture.Name)))];

    private sealed class LoopDetector(IScaledDetector detector, WiderDetectionLoop loop) : IPictureDetector
    {
        public void Detect(VideoFrame picture, List<FaceDetection> faces)
        {
            faces.Clear();
            foreach ((Box box, double score) in loop.Detect(detector, picture))
                faces.Add(new FaceDetection(box, score, new Pose(Vector3d.Zero, Vector3d.Zero)));
        }

        public void Dispose() => detector.Dispose();
    }
}
