// FrameLeases counts per process, and the tests assert that nothing is outstanding.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
[assembly: Img2Pose.Testing.NoLeakedFrames]
[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]
// One server and one coded video for all tests.
[assembly: AssemblyFixture(typeof(Img2Pose.Monitor.Tests.HeadServer))]
