using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Runtime.CompilerServices;
using Img2Pose.Core;

namespace Img2Pose.Cli;

internal static class Program
{
    // In a method of its own, so that nothing of the rest is loaded before the answer.
    private static Task<int> Main(string[] args) => OpenFiles.AreEnough() ? RunAsync(args) : Task.FromResult(4);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<int> RunAsync(string[] args)
    {
        StandardError.Install();
        using Interruption interruption = Interruption.Install();
        RootCommand root = CreateRoot();
        ParseResult parsed = root.Parse(Media.FileNames.Restore(args));
        bool verbose = parsed.GetValue(CommonOptions.Verbose);
        if (parsed.Errors.Count > 0)
        {
            string command = parsed.CommandResult.Command == root ? "img2pose" : $"img2pose {parsed.CommandResult.Command.Name}";
            Console.Error.WriteLine($"img2pose: {ErrorReport.OneLine(parsed.Errors[0].Message)} See {command} --help.");
            return ExitCode.Usage;
        }

        // Signals and exceptions are handled here, for every verb alike: the parser's own handlers are off.
        InvocationConfiguration configuration = new()
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
            Output = Console.Out,
            Error = Console.Error,
        };
        ProgramLog.Open(verbose);
        interruption.IsHeard = parsed.Action is AsynchronousCommandLineAction;
        try
        {
            RequireValues(parsed);
            int code = await parsed.InvokeAsync(configuration, interruption.Token);
            return interruption.ExitCode is { } interrupted ? End(interrupted) : code;
        }
        catch (OperationCanceledException) when (interruption.ExitCode is { } interrupted)
        {
            Console.Error.WriteLine($"img2pose: {interruption.Reason}.");
            return End(interrupted);
        }
        catch (Exception error)
        {
            return ErrorReport.Write(Console.Error, error, verbose);
        }
    }

    // All outputs are closed. What native libraries still do on threads of their own (an encoder that was left behind) is not waited
    // for, and their exit handlers do not run under it.
    private static int End(int code)
    {
        Console.Out.Flush();
        Console.Error.Flush();
        ProcessEnd.Now(code);
        return code;
    }

    /// <summary>An option with nothing behind it, as a script's unset variable leaves it, is a mistake in every verb.</summary>
    /// <exception cref="UsageException">An option's value is empty.</exception>
    internal static void RequireValues(ParseResult parsed)
    {
        foreach (OptionResult option in parsed.CommandResult.Children.OfType<OptionResult>())
        {
            if (option.Tokens.Any(token => token.Value.Length == 0)) throw new UsageException($"{option.Option.Name} is empty; give it a value or leave it out.");
        }
    }

    /// <summary>The root command with every verb; one line each.</summary>
    internal static RootCommand CreateRoot()
    {
        RootCommand root = new("Finds the 6DoF pose of every face in videos and pictures and lays posed 3D face meshes over them.")
        {
            CommonOptions.Verbose,
        };
        root.Subcommands.Add(Commands.RunCommand.Create());
        root.Subcommands.Add(Commands.DevicesCommand.Create());
        root.Subcommands.Add(Commands.MonitorCommand.Create());
        root.Subcommands.Add(Commands.AlignCommand.Create());
        root.Subcommands.Add(Commands.ViewsCommand.Create());
        root.Subcommands.Add(Commands.BenchCommand.Create());
        root.Subcommands.Add(Commands.GpuCommand.Create());
        root.Subcommands.Add(Commands.DoctorCommand.Create());
        root.Subcommands.Add(Commands.ModelsCommand.Create());
        root.Subcommands.Add(Commands.MeshCommand.Create());
        root.Subcommands.Add(Commands.DatasetCommand.Create());
        root.Subcommands.Add(Commands.TrainCommand.Create());
        root.Subcommands.Add(Commands.EvalCommand.Create());
        return root;
    }
}
