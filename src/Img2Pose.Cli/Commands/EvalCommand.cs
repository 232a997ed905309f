using System.CommandLine;
using Img2Pose.Cli.Commands.Eval;

namespace Img2Pose.Cli.Commands;

/// <summary><c>img2pose eval</c>: measures a model on annotated pictures.</summary>
internal static class EvalCommand
{
    public static Command Create() => new("eval", "Measure a model on annotated pictures.")
    {
        EvalPackCommand.Create(),
        EvalWiderCommand.Create(),
        EvalHeadPoseCommand.CreateAflw2000(),
        EvalHeadPoseCommand.CreateBiwi(),
    };
}
