using Img2Pose.Cuda;

namespace Img2Pose.Cli;

/// <summary>The exit codes of every verb.</summary>
internal static class ExitCode
{
    /// <summary>All done.</summary>
    public const int Done = 0;

    /// <summary>Failed while running.</summary>
    public const int Failed = 1;

    /// <summary>Options or arguments that make no sense.</summary>
    public const int Usage = 2;

    /// <summary>An input that cannot be opened or read.</summary>
    public const int Input = 3;

    /// <summary>A model, device or native-library problem.</summary>
    public const int Model = 4;

    /// <summary>Interrupted by SIGHUP, the end of its terminal; outputs are valid.</summary>
    public const int HungUp = 129;

    /// <summary>Interrupted by SIGINT; outputs are valid.</summary>
    public const int Interrupted = 130;

    /// <summary>Interrupted by SIGTERM; outputs are valid.</summary>
    public const int Terminated = 143;

    /// <summary>The exit code for an error.</summary>
    public static int For(Exception error) => error switch
    {
        UsageException => Usage,
        InputException => Input,
        ModelException or CudaDeviceException => Model,
        // A native library that is not there, met before its owner could say so.
        DllNotFoundException or TypeInitializationException { InnerException: DllNotFoundException } => Model,
        _ => Failed,
    };
}
