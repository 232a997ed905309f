// Live: the newest frame whenever this program is ready for one, until Ctrl-C. What it missed is counted, and no frame is old.
using System.Globalization;
using Img2Pose;
using Img2Pose.Pipeline;

if (args.Length != 1)
{
    Console.Error.WriteLine("usage: LivePoses SOURCE");
    return 2;
}
using CancellationTokenSource stop = new();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    stop.Cancel();
};
try
{
    await using PoseEngine engine = PoseEngine.Create(new PoseEngineOptions { Warning = Console.Error.WriteLine });
    await using PoseSession session = engine.Open(args[0], new SessionOptions { Name = "camera", Policy = LinkPolicy.Latest });
    long seen = 0;
    try
    {
        await foreach (PosedFrame frame in session.ReadAsync(stop.Token))
        {
            seen++;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{frame.Index}: {frame.Faces.Count} faces, {frame.Age.TotalMilliseconds:0} ms old"));
        }
    }
    catch (OperationCanceledException)
    {
        // Ctrl-C.
    }
    Console.WriteLine($"{seen} frames seen, {session.Report().Dropped} missed");
    return 0;
}
catch (Img2PoseException error)
{
    Console.Error.WriteLine(error.Message);
    return 1;
}
