// Own drawing: white frames around the faces, written as a video with the sound of the source.
using Img2Pose;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Media;
using Img2Pose.Pipeline;

if (args.Length != 2)
{
    Console.Error.WriteLine("usage: OwnDrawing VIDEO OUT.mp4");
    return 2;
}
try
{
    await using PoseEngine engine = PoseEngine.Create();
    IFrameSource source = MediaSource.Open(args[0]);
    await using PoseSession session = engine.Open(source, new SessionOptions { Composer = new WhiteFrames() });
    session.AddSink(VideoWriter.Create(args[1], source, new VideoWriterOptions()));
    RunReport report = await session.RunAsync();
    Console.WriteLine($"{report.Frames} frames, {report.Faces} faces");
    return 0;
}
catch (Img2PoseException error)
{
    Console.Error.WriteLine(error.Message);
    return 1;
}

/// <summary>Sets the luma of a box's edge to white; chroma stays, so the frames take the colour of what they lie on.</summary>
internal sealed class WhiteFrames : IFrameComposer
{
    public void Compose(VideoFrame frame, ReadOnlySpan<TrackedFace> faces)
    {
        if (frame.Format is not (PixelFormat.I420 or PixelFormat.Nv12)) return;
        FramePlane luma = frame.GetPlane(0);
        foreach (ref readonly TrackedFace face in faces)
        {
            // Boxes are in displayed pixels, planes in coded ones.
            double scaleX = (double)frame.Width / frame.DisplayWidth, scaleY = (double)frame.Height / frame.DisplayHeight;
            Box box = face.Face.Box;
            int left = Clamp(box.Left * scaleX, luma.Width), right = Clamp(box.Right * scaleX, luma.Width);
            int top = Clamp(box.Top * scaleY, luma.Height), bottom = Clamp(box.Bottom * scaleY, luma.Height);
            for (int y = top; y <= bottom; y++)
            {
                Span<byte> row = luma.Row(y);
                if (y < top + 2 || y > bottom - 2) row[left..(right + 1)].Fill(235);
                else row[left] = row[right] = 235;
            }
        }
    }

    private static int Clamp(double value, int size) => (int)Math.Clamp(value, 0, size - 1);
}
