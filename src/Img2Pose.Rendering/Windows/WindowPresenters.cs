using Img2Pose.Core;
using Microsoft.Extensions.Logging;
using Veldrid;

namespace Img2Pose.Rendering.Windows;

/// <summary>What a window is drawn with.</summary>
public enum WindowDrawing
{
    /// <summary>A graphics card where there is one, else the processor.</summary>
    Auto,

    /// <summary>OpenGL, also where it draws on the processor; where there is none, the processor.</summary>
    Graphics,

    /// <summary>The processor: pixels in memory that is shared with the display.</summary>
    Processor,
}

/// <summary>Chooses what a window is drawn with.</summary>
public static partial class WindowPresenters
{
    /// <summary>The variable of the environment that <see cref="FromEnvironment"/> reads.</summary>
    public const string Variable = "IMG2POSE_WINDOW";

    /// <summary>What the environment asks for: <c>IMG2POSE_WINDOW</c> is <c>gpu</c>, <c>cpu</c> or not set.</summary>
    /// <exception cref="UsageException">It is something else.</exception>
    public static WindowDrawing FromEnvironment() => Environment.GetEnvironmentVariable(Variable) switch
    {
        null or "" => WindowDrawing.Auto,
        "gpu" => WindowDrawing.Graphics,
        "cpu" => WindowDrawing.Processor,
        string other => throw new UsageException($"{Variable} is gpu or cpu, not '{other}'."),
    };

    /// <summary>Makes the window, and what draws it. Called on the window's thread.</summary>
    /// <exception cref="ModelException">There is no window.</exception>
    internal static IWindowPresenter Create(SdlWindow window, WindowPainter painter, WindowOptions options)
    {
        (int width, int height) = window.Fit(1280, 720);
        string reason = "";
        // Where OpenGL is a rasteriser a shader over the whole window costs more than everything else together.
        if (options.Drawing == WindowDrawing.Graphics || (options.Drawing == WindowDrawing.Auto && !options.Renderer.IsSoftware))
        {
            try
            {
                SwapchainPresenter presenter = new(window, painter, options.Renderer, width, height, onProcessor: options.Drawing == WindowDrawing.Graphics);
                if (options.Logger is not null) Opened(options.Logger, presenter.Name, reason);
                return presenter;
            }
            catch (Exception e) when (e is Img2PoseException or VeldridException or EntryPointNotFoundException)
            {
                // The window is made anew for the processor.
                reason = $"; not by a graphics card: {e.Message}";
            }
        }
        window.Create(width, height, SdlNative.WindowShown);
        SurfacePresenter surface = new(window, painter);
        if (options.Logger is not null) Opened(options.Logger, surface.Name, reason);
        return surface;
    }

    [LoggerMessage(EventNumbers.WindowOpened, LogLevel.Debug, "The window is drawn by {Presenter}{Reason}")]
    private static partial void Opened(ILogger logger, string presenter, string reason);
}
