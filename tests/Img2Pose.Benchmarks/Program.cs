using System.Globalization;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Running;
using Img2Pose.Benchmarks;
using Img2Pose.Benchmarks.Follow;
using Img2Pose.Benchmarks.Golden;

// "golden" compares the official networks with the recorded original, "kernels" tells what a model's time goes to, "follow",
// "crops", "small", "noise" and "shapes" are the measurements that looks which follow faces rest on, "samples" measures the maker of training samples; anything else goes to BenchmarkDotNet.
return args switch
{
    ["golden", ..] => GoldenBenchmark.Run(args[1..]),
    ["kernels", string model, string picture, ..] => KernelTable.Print(model, picture, args.Length > 3 ? int.Parse(args[3], CultureInfo.InvariantCulture) : 1),
    ["samples", string pack, ..] => SampleBenchmark.Print(pack, args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 100, args.ElementAtOrDefault(3), args.ElementAtOrDefault(4) == "all"),
    ["shapes", ..] => ShapeTable.Print(args.ElementAtOrDefault(1), args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 15),
    ["crops", string pack, ..] => CropTable.Print(pack, args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 3),
    ["small", string pack, ..] => SmallFaceTable.Print(pack, args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 1),
    ["grid", string pack, ..] => BiasStudy.PrintGrid(pack, args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 3),
    ["bias", string shared, string clip] => BiasStudy.PrintClip(shared, clip),
    ["noise", string shared, string clip] => NoiseStudy.Print(shared, clip),
    ["follow", string shared, ..] => await FollowBenchmark.RunAsync(shared, args.ElementAtOrDefault(2), listsMissing: args.ElementAtOrDefault(3) == "missing"),
    _ => BenchmarkDotNetRun(args),
};

static int BenchmarkDotNetRun(string[] args)
{
    // The project that it builds references all of this one's; on a busy machine its own limit of two minutes is too short.
    ManualConfig config = ManualConfig.Create(DefaultConfig.Instance).WithBuildTimeout(TimeSpan.FromMinutes(10));
    BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, config);
    return 0;
}
