// The poses of a video: a line a face with frame, identity, score, yaw, pitch and roll in degrees.
using System.Globalization;
using Img2Pose;
using Img2Pose.Geometry;
using Img2Pose.Pipeline;

if (args.Length != 1)
{
    Console.Error.WriteLine("usage: PosesOfFile VIDEO");
    return 2;
}
try
{
    await using PoseEngine engine = PoseEngine.Create();
    await using PoseSession session = engine.Open(args[0]);
    await foreach (PosedFrame frame in session.ReadAsync())
    {
        foreach (TrackedFace face in frame.Faces)
        {
            EulerAngles angles = EulerAngles.FromRotationVector(face.Face.Pose.Rotation);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{frame.Index} {face.Id} {face.Face.Score:0.00} {angles.Yaw:0.0} {angles.Pitch:0.0} {angles.Roll:0.0}"));
        }
    }
    return 0;
}
catch (Img2PoseException error)
{
    Console.Error.WriteLine(error.Message);
    return 1;
}
