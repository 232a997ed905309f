using System.CommandLine;

namespace Img2Pose.Cli;

internal static class Program
{
    private static int Main(string[] args)
    {
        RootCommand root = new("6DoF face pose in real time, posed 3D face meshes on the picture.");
        return root.Parse(args).Invoke();
    }
}
