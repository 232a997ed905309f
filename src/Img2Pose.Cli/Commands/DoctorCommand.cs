using System.CommandLine;
using System.Runtime.InteropServices;
using Img2Pose.Cli.Diagnosis;
using Img2Pose.Pipeline;

namespace Img2Pose.Cli.Commands;

/// <summary><c>img2pose doctor</c>: one screen that tells what was found and how to get what is missing.</summary>
internal static class DoctorCommand
{
    /// <summary>Describes the verb.</summary>
    public static Command Create()
    {
        Option<string?> model = new("--model") { Description = "Look at this model instead of the default one.", HelpName = "NAME|FILE" };
        Command command = new("doctor", "Tell what was found on this machine, and how to install what is missing.") { model };
        command.SetAction(parsed =>
        {
            CpuBudget budget = CpuBudget.ForThisMachine();
            Console.WriteLine($"img2pose {typeof(DoctorCommand).Assembly.GetName().Version?.ToString(3)} on {RuntimeInformation.FrameworkDescription}, {RuntimeInformation.OSDescription.Trim()}");
            Console.WriteLine($"  {Environment.ProcessorCount} cores: decoder {budget.Decoder}, network {budget.Inference}, encoder {budget.Encoder}, rasteriser {budget.Renderer} threads");
            bool healthy = true;
            foreach (Finding finding in Doctor.Examine(parsed.GetValue(model)))
            {
                healthy &= finding.Health != Health.Bad;
                string mark = finding.Health switch { Health.Good => "ok     ", Health.Absent => "absent ", _ => "MISSING" };
                Console.WriteLine($"  {mark} {finding.Part,-17} {finding.Detail}");
                if (finding.Cure is { } cure) Console.WriteLine($"          {"",-17} → {cure}");
            }
            return healthy ? ExitCode.Done : ExitCode.Model;
        });
        return command;
    }
}
