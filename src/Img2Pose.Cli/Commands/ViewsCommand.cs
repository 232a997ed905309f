using System.CommandLine;
using System.Globalization;
using Img2Pose.Cli.Running;
using Img2Pose.Cli.Views;
using Img2Pose.Pipeline.Views;
using Img2Pose.Rendering.Views;

namespace Img2Pose.Cli.Commands;

/// <summary><c>img2pose views</c>: faces re-rendered from other directions.</summary>
internal static class ViewsCommand
{
    /// <summary>Describes the verb.</summary>
    public static Command Create()
    {
        Argument<string> source = new("SOURCE") { Description = "A picture, a folder or pattern of pictures, a .txt list, a video, or a CSV table with Face-Pose-Net's header." };
        Option<string> output = new("--out") { Description = "Folder for the views: a folder for each face.", HelpName = "DIR", Required = true };
        Option<string?> yaws = new("--yaws") { Description = "Degrees, negative and positive, -90 to 90. Default: 0,22,40,55,75; with --mode fpn by the face's own yaw.", HelpName = "N,N…" };
        Option<string> pitches = new("--pitches") { Description = "Degrees, -60 to 60.", HelpName = "N,N…", DefaultValueFactory = _ => "0" };
        Option<bool> frontal = new("--frontal") { Description = "Only the frontal view, in one file for each face: as --yaws 0." };
        Option<int> size = new("--size") { Description = "Side of a view, pixels.", HelpName = "N", DefaultValueFactory = _ => 224 };
        Option<string> background = new("--background") { Description = "What stands around the face: the picture, hair and ears, or nothing.", DefaultValueFactory = _ => "full" };
        background.AcceptOnlyFromAmong("full", "face", "none");
        Option<string> symmetry = new("--symmetry") { Description = "Whether hidden parts of a face are taken from its mirror image.", DefaultValueFactory = _ => "soft" };
        symmetry.AcceptOnlyFromAmong("soft", "none");
        Option<string?> format = new("--format") { Description = "png or jpg. Default: png; jpg with the original's names." };
        format.AcceptOnlyFromAmong("png", "jpg");
        Option<bool> sheet = new("--contact-sheet") { Description = "Also write contact-sheet.jpg: each face beside its views." };
        Option<string> names = new("--names") { Description = "plain (NAME/yaw+22.png) or original (KEY/KEY_rendered_aug_-22_00_10.jpg).", DefaultValueFactory = _ => "plain" };
        names.AcceptOnlyFromAmong("plain", "original");
        Option<string> mode = new("--mode") { Description = "better: by what the picture shows; fpn: step by step as Face-Pose-Net.", DefaultValueFactory = _ => "better" };
        mode.AcceptOnlyFromAmong("better", "fpn");
        Option<string?> boxes = new("--boxes") { Description = "CSV table of faces to take instead of looking for them: file,l,t,r,b, or ID,FILE,FACE_X,FACE_Y,FACE_WIDTH,FACE_HEIGHT; for a video frame,l,t,r,b.", HelpName = "FILE" };
        Option<string?> model = new("--model") { Description = "Model to use instead of the default one.", HelpName = "NAME|FILE" };
        Option<string> device = new("--device") { Description = "Where the network runs.", DefaultValueFactory = _ => "auto" };
        device.AcceptOnlyFromAmong("auto", "cpu", "cuda");
        Option<double?> score = new("--score") { Description = "Faces must score more than this, 0…1; default: the model's.", HelpName = "X" };
        Option<string?> roll = RollOption.Create("any in pictures, with this project's models; upright in videos");
        Command command = new("views", "Render faces anew from other directions, or frontal.")
        {
            source, output, yaws, pitches, frontal, size, background, symmetry, format, sheet, names, mode, boxes, model, device, score, roll,
        };
        command.SetAction(async (parsed, stop) =>
        {
            if (parsed.GetValue(score) is { } least && least is not (>= 0 and <= 1)) throw new UsageException(FormattableString.Invariant($"--score {least} is out of range; scores lie in 0…1."));
            bool original = parsed.GetRequiredValue(mode) == "fpn", single = parsed.GetValue(frontal);
            if (single && parsed.GetValue(yaws) is not null) throw new UsageException("--frontal is --yaws 0; give one of them.");
            ViewNames naming = single ? ViewNames.OneFile : parsed.GetRequiredValue(names) == "original" ? ViewNames.Original : ViewNames.Plain;
            double[] angles = parsed.GetValue(yaws) is { } list ? Angles("--yaws", list, 90) : single ? [0] : [0, 22, 40, 55, 75];
            ViewPlan plan = new()
            {
                Yaws = angles,
                Pitches = Angles("--pitches", parsed.GetRequiredValue(pitches), 60),
                Names = naming,
                Extension = (parsed.GetValue(format) ?? (naming == ViewNames.Original ? "jpg" : "png")) == "jpg" ? ".jpg" : ".png",
                ContactSheet = parsed.GetValue(sheet),
                Drawing = new FaceViewOptions
                {
                    Size = parsed.GetValue(size) is >= FaceViewOptions.SmallestSize and <= FaceViewOptions.LargestSize and int side
                        ? side : throw new UsageException($"--size {parsed.GetValue(size)} is out of range; it may be {FaceViewOptions.SmallestSize}…{FaceViewOptions.LargestSize}."),
                    Symmetry = parsed.GetRequiredValue(symmetry) == "soft",
                    Background = Enum.Parse<ViewBackground>(parsed.GetRequiredValue(background), ignoreCase: true),
                },
            };
            plan.Validate();
            if (original && (plan.Drawing.Size != FacePoseNetViews.ViewSide || plan.Pitches is not [0] || plan.Drawing.Background != ViewBackground.Full))
                throw new UsageException($"--mode fpn makes views of {FacePoseNetViews.ViewSide} pixels, unpitched, with the full background, as the original; leave out --size, --pitches and --background.");
            if (original && Array.Exists(angles, angle => angle < 0 || angle % 1 != 0))
                throw new UsageException("--mode fpn mirrors faces so that all views turn to one side; give whole, positive --yaws.");
            ViewsJob job = new(new ViewsSettings
            {
                Source = parsed.GetRequiredValue(source),
                Output = parsed.GetRequiredValue(output),
                Plan = plan,
                Original = original,
                HasYaws = single || parsed.GetValue(yaws) is not null,
                Boxes = parsed.GetValue(boxes),
                Model = parsed.GetValue(model),
                Device = parsed.GetRequiredValue(device),
                Score = parsed.GetValue(score),
                AnyRoll = parsed.IsAny(roll),
            }, parsed.InvocationConfiguration.Error);
            return await job.RunAsync(stop);
        });
        return command;
    }

    private static double[] Angles(string option, string text, double most)
    {
        double[] angles = [.. text.Split(',').Select(item =>
            double.TryParse(item, NumberStyles.Float, CultureInfo.InvariantCulture, out double angle) && Math.Abs(angle) <= most ? angle
            : throw new UsageException(FormattableString.Invariant($"{option} {text}: '{item}' is not an angle from {-most} to {most} degrees.")))];
        return angles.Distinct().Count() == angles.Length ? angles : throw new UsageException($"{option} {text}: an angle is there twice.");
    }
}
