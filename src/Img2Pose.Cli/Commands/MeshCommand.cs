using System.CommandLine;
using Img2Pose.Core;
using Img2Pose.Formats;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Media;
using Img2Pose.Rendering.Meshes;
using Img2Pose.Rendering.Overlay;

namespace Img2Pose.Cli.Commands;

/// <summary>The <c>mesh</c> verb: makes the face surface and shows meshes.</summary>
internal static class MeshCommand
{
    public static Command Create()
    {
        Command command = new("mesh", "Makes the face surface that is laid over pictures, and shows meshes.");
        command.Subcommands.Add(CreateFit());
        command.Subcommands.Add(CreateView());
        return command;
    }

    private static Command CreateFit()
    {
        Argument<string> input = InputArgument();
        Option<string> output = new("--out", "-o")
        {
            Description = "The face surface to write.",
            DefaultValueFactory = _ => FaceSurface.DefaultRelativePath,
        };
        Option<string?> reference = new("--reference") { Description = "Folder with the original's reference points; else the project's own." };
        Command command = new("fit", "Resamples a face mesh into a face surface.") { input, output, reference };
        command.SetAction(parsed =>
        {
            string? folder = parsed.GetValue(reference);
            RequireApart(parsed.GetValue(input)!, parsed.GetValue(output)!, folder);
            FaceMesh mesh = MeshFile.Load(parsed.GetValue(input)!);
            FaceSurface surface = FaceSurfaceFitter.Fit(mesh, folder is null ? ReferenceFace.Default : ReferenceFaceFiles.Load(folder));
            string path = parsed.GetValue(output)!;
            surface.Save(path);
            Console.Error.WriteLine($"{path}: {new FileInfo(path).Length} bytes");
            foreach (FaceMesh level in surface.Levels())
            {
                string use = level.LargestScale is float scale && float.IsFinite(scale) ? $"up to {scale:0} pixels a unit" : "whole";
                Console.Error.WriteLine($"  {use}: {level.Positions.Length} vertices, {level.Triangles.Length / 3} triangles");
            }
        });
        return command;
    }

    private static Command CreateView()
    {
        Argument<string> input = InputArgument();
        Option<string> output = new("--out", "-o") { Description = "The picture to write.", Required = true };
        Option<int> size = new("--size") { Description = "Side of each view in pixels.", DefaultValueFactory = _ => 480 };
        Option<double[]> yaw = new("--yaw")
        {
            Description = "Yaw of each view in degrees.",
            DefaultValueFactory = _ => [0, 35, 60],
            AllowMultipleArgumentsPerToken = true,
        };
        Option<double> pitch = new("--pitch") { Description = "Pitch of every view in degrees." };
        Command command = new("view", "Draws a mesh from several sides into one picture.") { input, output, size, yaw, pitch };
        command.SetAction(parsed =>
        {
            int side = parsed.GetValue(size);
            if (side is < 16 or > 4096) throw new UsageException($"--size takes 16 to 4096 pixels, not {side}.");
            RequireApart(parsed.GetValue(input)!, parsed.GetValue(output)!);
            Draw(LoadLevels(parsed.GetValue(input)!), parsed.GetValue(output)!, side, parsed.GetValue(yaw)!, parsed.GetValue(pitch));
        });
        return command;
    }

    /// <exception cref="UsageException">The output is something that is read.</exception>
    private static void RequireApart(string input, string output, string? reference = null)
    {
        FileRoles roles = new();
        roles.Reads(input, "the mesh");
        roles.Reads(reference, "a file of the reference points (--reference)");
        roles.Writes(output, "--out");
    }

    private static Argument<string> InputArgument() => new("mesh")
    {
        Description = "An .obj file, a folder with mesh arrays (.npy), or a face surface (.bin, view only).",
    };

    private static IReadOnlyList<FaceMesh> LoadLevels(string path) =>
        path.EndsWith(".bin", StringComparison.OrdinalIgnoreCase) ? [FaceSurface.Load(path).Tessellate(1)] : [MeshFile.Load(path)];

    private static void Draw(IReadOnlyList<FaceMesh> meshes, string path, int size, double[] yaws, double pitch)
    {
        using OverlayRenderer renderer = OverlayRenderer.Create(
            new OverlayOptions { Meshes = meshes, Alpha = 1, Layers = OverlayLayers.Mesh });
        using FramePool pool = new();
        using VideoFrame sheet = pool.Rent(PixelFormat.Rgb24, size * yaws.Length, size);
        using FramePool viewPool = new();
        for (int i = 0; i < yaws.Length; i++)
        {
            using VideoFrame view = viewPool.Rent(PixelFormat.Rgb24, size, size);
            for (int y = 0; y < size; y++) view.GetPlane(0).Row(y).Fill(30);
            // Four units away a face of 1.5 units fills three quarters of the view.
            Pose pose = new(new EulerAngles(yaws[i], pitch, 0).ToRotationVector(), new Vector3d(0, 0.13, 4));
            renderer.Compose(view, [new TrackedFace(0, new FaceDetection(new Box(0, 0, size, size), 1, pose), pose, true)]);
            for (int y = 0; y < size; y++) view.GetPlane(0).Row(y).CopyTo(sheet.GetPlane(0).Row(y)[(3 * size * i)..]);
        }
        ImageFile.Write(path, sheet);
        Console.Error.WriteLine($"{path}: {renderer.RendererName}");
    }
}
