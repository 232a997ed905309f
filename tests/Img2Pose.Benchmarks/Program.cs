using System.Globalization;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Running;
using Img2Pose.Benchmarks.Golden;

// "golden" compares the official networks with the recorded original, "kernels" tells what a model's time goes to; anything
// else goes to BenchmarkDotNet.
return args switch
{
    ["golden", ..] => GoldenBenchmark.Run(args[1..]),
    ["kernels", string model, string picture, ..] => KernelTable.Print(model, picture, args.Length > 3 ? int.Parse(args[3], CultureInfo.InvariantCulture) : 1),
    _ => BenchmarkDotNetRun(args),
};

static int BenchmarkDotNetRun(string[] args)
{
    // The project that it builds references all of this one's; on a busy machine its own limit of two minutes is too short.
    ManualConfig config = ManualConfig.Create(DefaultConfig.Instance).WithBuildTimeout(TimeSpan.FromMinutes(10));
    BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, config);
    return 0;
}
