using System.CommandLine;
using Img2Pose.Cli.Running;

namespace Img2Pose.Cli.Commands;

/// <summary><c>img2pose run</c>: the main job.</summary>
internal static class RunCommand
{
    /// <summary>Describes the verb.</summary>
    public static Command Create()
    {
        RunOptions options = new();
        Command command = new("run", "Find the faces of a video or of pictures; write their poses, and the pictures with posed 3D meshes on them.");
        options.AddTo(command);
        command.SetAction(async (parsed, stop) =>
        {
            await using RunJob job = new(options.Read(parsed));
            return await job.ExecuteAsync(stop);
        });
        return command;
    }
}
