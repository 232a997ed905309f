using BenchmarkDotNet.Running;
using Img2Pose.Benchmarks.Golden;

// "golden" compares the official networks with the recorded original; anything else goes to BenchmarkDotNet.
return args is ["golden", ..] ? GoldenBenchmark.Run(args[1..]) : BenchmarkDotNetRun(args);

static int BenchmarkDotNetRun(string[] args)
{
    BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
    return 0;
}
