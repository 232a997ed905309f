using System.CommandLine;
using System.Globalization;
using Img2Pose.Cli.Running;
using Img2Pose.Core;
using Img2Pose.Formats;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Media;

namespace Img2Pose.Cli.Commands;

/// <summary><c>img2pose align</c>: aligned face crops of pictures, as face recognisers want them.</summary>
internal static class AlignCommand
{
    public static Command Create()
    {
        Argument<string> source = new("SOURCE") { Description = "A picture, a folder or pattern of pictures, or a .txt list." };
        Option<string> output = new("--out") { Description = "Folder for the crops: OUT/FOLDER/NAME.EXT as the picture, or NAME_0.EXT, NAME_1.EXT … of several faces.", HelpName = "DIR", Required = true };
        Option<int> size = new("--size") { Description = "Side of a crop: 112 or 224.", DefaultValueFactory = _ => 224 };
        Option<int> faces = new("--max-faces") { Description = "Most faces of a picture.", HelpName = "N", DefaultValueFactory = _ => 1 };
        Option<string> order = new("--order") { Description = "Which faces come first: those nearest to the middle, or the surest.", DefaultValueFactory = _ => "position" };
        order.AcceptOnlyFromAmong("position", "confidence");
        Option<string?> model = new("--model") { Description = "Model to use instead of the default one.", HelpName = "NAME|FILE" };
        Option<string> device = new("--device") { Description = "Where the network runs.", DefaultValueFactory = _ => "auto" };
        device.AcceptOnlyFromAmong("auto", "cpu", "cuda");
        Option<double?> score = new("--score") { Description = "Faces must score more than this, 0…1; default: the model's. The original's script has 0.7.", HelpName = "X" };
        Option<string?> roll = RollOption.Create("any, with this project's models");
        Option<string?> reference = new("--reference") { Description = "Folder with the official reference points (reference_3d_5_points_trans.npy …).", HelpName = "DIR" };
        Option<bool> obj = new("--obj") { Description = "Also write the posed meshes of a picture as NAME.obj: the default face surface, or with --reference the mesh in vertices_trans.npy and triangles.npy there." };
        Command command = new("align", "Cut out aligned faces of pictures.") { source, output, size, faces, order, model, device, score, roll, reference, obj };
        command.SetAction((parsed, stop) =>
        {
            int side = parsed.GetValue(size);
            if (side is not (112 or 224)) throw new UsageException($"--size {side}: crops are 112 or 224 pixels wide.");
            if (parsed.GetValue(score) is { } least && least is not (>= 0 and <= 1)) throw new UsageException(FormattableString.Invariant($"--score {least} is out of range; scores lie in 0…1."));
            int most = parsed.GetValue(faces);
            if (most < 1) throw new UsageException($"--max-faces {most}: at least 1 is needed.");
            ReferenceFace? face = parsed.GetValue(reference) is { } folder ? ReferenceFaceFiles.Load(folder) : null;
            ReferenceMesh? mesh = !parsed.GetValue(obj) ? null
                : parsed.GetValue(reference) is { } meshes ? ReferenceMesh.Load(meshes) : ReferenceMesh.Default();
            FaceOrder first = parsed.GetRequiredValue(order) == "position" ? FaceOrder.Position : FaceOrder.Confidence;
            AlignJob job = new(parsed.GetRequiredValue(output), side, most, first, mesh, parsed.InvocationConfiguration.Error);
            PoseDetectorOptions options = new() { Device = parsed.GetRequiredValue(device), ScoreThreshold = parsed.GetValue(score), Reference = face };
            FileRoles roles = new();
            RunFiles.AddSource(roles, parsed.GetRequiredValue(source));
            RunFiles.AddModel(roles, parsed.GetValue(model));
            roles.Reads(parsed.GetValue(reference), "a file of the reference points (--reference)");
            using IDisposable guard = roles.Guard();
            job.RequireApart(roles, MediaSource.FilesOf(parsed.GetRequiredValue(source)));
            using PoseDetector detector = PoseDetector.Create(ModelPackage.Load(ModelLocator.Find(parsed.GetValue(model))), options);
            if (detector.DeviceNote is { } note) parsed.InvocationConfiguration.Error.WriteLine($"img2pose: {ErrorReport.OneLine(note)}");
            return Task.FromResult(job.Run(parsed.GetRequiredValue(source), detector, parsed.IsAny(roll) ?? AnyRollDetector.IsOf(detector), stop));
        });
        return command;
    }

    /// <summary>One run over a set of pictures.</summary>
    private sealed class AlignJob(string output, int side, int maxFaces, FaceOrder order, ReferenceMesh? mesh, TextWriter messages)
    {
        private readonly byte[] _crop = new byte[3 * side * side];
        private readonly HashSet<string> _written = new(StringComparer.Ordinal);
        private FileRoles _roles = new();
        private byte[] _picture = [];

        /// <summary>Refuses a folder in which the crops would replace what the run reads.</summary>
        /// <exception cref="UsageException">One would.</exception>
        public void RequireApart(FileRoles roles, IEnumerable<string> files)
        {
            _roles = roles;
            foreach (string file in files)
            {
                string target = Path.Combine(FolderOf(file), Path.GetFileNameWithoutExtension(file) + ExtensionOf(file));
                if (roles.ReadAs(target) is { } role) throw new UsageException($"{target}: --out would replace {role}; choose another folder.");
            }
        }

        public int Run(string source, PoseDetector detector, bool anyRoll, CancellationToken stop)
        {
            using AnyRollDetector turning = new(detector);
            if (MediaSource.IsLive(source)) throw new UsageException($"{MediaSource.Mask(source)}: align takes pictures; give a picture, a folder, a pattern or a list.");
            SourceOptions options = new() { Warning = message => messages.WriteLine($"img2pose: {message}") };
            using IFrameSource pictures = MediaSource.Open(source, options);
            if (!pictures.Info.IsImages) throw new UsageException($"{source}: align takes pictures; give a picture, a folder, a pattern or a list.");
            List<FaceDetection> faces = [];
            using FramePool pool = new();
            long written = 0, read = 0, failed = 0;
            while (pictures.TryRead(out VideoFrame? frame))
            {
                using (frame)
                {
                    stop.ThrowIfCancellationRequested();
                    read++;
                    if (anyRoll) turning.Detect(frame, null, faces);
                    else detector.Detect(frame, faces);
                    if (faces.Count == 0)
                    {
                        messages.WriteLine($"img2pose: {frame.SourceName}: no face above the threshold.");
                        continue;
                    }
                    try
                    {
                        written += Write(frame, [.. faces.InOrder(order).Take(maxFaces)], detector.Reference, pool);
                    }
                    catch (OutputException error)
                    {
                        // The other pictures may well be written.
                        messages.WriteLine($"img2pose: {ErrorReport.OneLine(error.Message)}");
                        failed++;
                    }
                }
            }
            messages.WriteLine($"img2pose: {written} faces of {read} pictures in {output}.");
            // Pictures that cannot be read or written were reported and skipped; the rest is done.
            return pictures.DamagedFrames > 0 || failed > 0 ? ExitCode.Failed : ExitCode.Done;
        }

        private int Write(VideoFrame frame, List<FaceDetection> faces, ReferenceFace reference, FramePool pool)
        {
            string source = frame.SourceName ?? "picture";
            string folder = FolderOf(source);
            OutputFolder.Create(folder);
            FramePlane plane = frame.GetPlane(0);
            int stride = 3 * frame.Width;
            if (_picture.Length < stride * frame.Height) _picture = new byte[stride * frame.Height];
            for (int y = 0; y < frame.Height; y++) plane.Row(y).CopyTo(_picture.AsSpan(y * stride));
            CameraIntrinsics camera = CameraIntrinsics.ForImage(frame.Width, frame.Height);
            string extension = ExtensionOf(source);
            (string[] crops, string meshPath) = Names(folder, Path.GetFileNameWithoutExtension(source), extension, faces.Count);
            for (int i = 0; i < faces.Count; i++)
            {
                SimilarityTransform transform = FaceAlignment.FromPose(faces[i].Pose, camera, reference, side);
                FaceAlignment.Crop(_picture, frame.Width, frame.Height, stride, transform, _crop, side);
                using VideoFrame crop = pool.Rent(PixelFormat.Rgb24, side, side);
                for (int y = 0; y < side; y++) _crop.AsSpan(3 * side * y, 3 * side).CopyTo(crop.GetPlane(0).Row(y));
                ImageFile.Write(crops[i], crop);
            }
            if (mesh is not null) WriteMeshes(meshPath, frame, stride, faces, camera, mesh);
            return faces.Count;
        }

        private string FolderOf(string source) =>
            Path.Combine(output, Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(source)))!);

        // Names as the original's; a kind of picture that is only read here becomes a PNG.
        private static string ExtensionOf(string source) =>
            Path.GetExtension(source).ToLowerInvariant() is ".jpg" or ".jpeg" or ".png" ? Path.GetExtension(source) : ".png";

        /// <summary>
        /// Names for the crops and the meshes of a picture: NAME.EXT of one face, NAME_0.EXT, NAME_1.EXT … of several.
        /// Pictures of one name but another extension or another folder get numbers: NAME_2.EXT.
        /// </summary>
        private (string[] Crops, string Mesh) Names(string folder, string stem, string extension, int count)
        {
            for (int number = 1; ; number++)
            {
                string end = number == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $"_{number}");
                string name = TemporaryName.Fit(stem, end.Length + extension.Length + 12) + end;
                string[] crops = [.. Enumerable.Range(0, count).Select(i => Path.Combine(folder, count > 1
                    ? string.Create(CultureInfo.InvariantCulture, $"{name}_{i}{extension}") : name + extension))];
                string meshPath = Path.Combine(folder, name + ".obj");
                string[] all = [Path.Combine(folder, name), meshPath, .. crops];
                if (Array.Exists(all, path => _written.Contains(path) || _roles.ReadAs(path) is not null)) continue;
                _written.UnionWith(all);
                return (crops, meshPath);
            }
        }

        private void WriteMeshes(string path, VideoFrame frame, int stride, List<FaceDetection> faces, CameraIntrinsics camera, ReferenceMesh mesh)
        {
            Vector3d[][] placed = new Vector3d[faces.Count][];
            byte[][] colors = new byte[faces.Count][];
            for (int i = 0; i < placed.Length; i++)
            {
                placed[i] = new Vector3d[mesh.Vertices.Length];
                PosedMesh.ToPicture(mesh.Vertices, faces[i].Pose, camera, placed[i]);
                colors[i] = PosedMesh.SampleColors(placed[i], _picture, frame.Width, frame.Height, stride);
            }
            PosedMesh.WriteObj(path, placed, mesh.Triangles, frame.Height, colors);
        }
    }
}
