using Veldrid.OpenGL;

namespace Img2Pose.Rendering.Windows;

/// <summary>
/// An OpenGL 4.5 core context on a window of SDL's, as Veldrid takes it. It is made on the window's thread, where it is current until
/// <c>GraphicsDevice.CreateOpenGL</c> takes it to the device's own thread; from then on that thread alone calls OpenGL with it, exchanges
/// the window's buffers and deletes it, while the window's thread goes on with events and everything else of SDL's. Disposing the
/// device waits for that thread, and comes before the window is destroyed.
/// </summary>
internal static class SdlContext
{
    // SDL_GLattr.
    private const int RedSize = 0, GreenSize = 1, BlueSize = 2, AlphaSize = 3, DoubleBuffer = 5, DepthSize = 6, MajorVersion = 17, MinorVersion = 18, ProfileMask = 21;
    private const int CoreProfile = 1;

    /// <summary>SDL takes what comes nearest to what is asked for, and what it asks for by itself are eight bits a pixel.</summary>
    private static readonly (int Attribute, int Value)[] s_attributes =
    [
        (RedSize, 8), (GreenSize, 8), (BlueSize, 8), (AlphaSize, 0), (DepthSize, 0), (DoubleBuffer, 1), (MajorVersion, 4), (MinorVersion, 5), (ProfileMask, CoreProfile),
    ];

    /// <summary>Makes a window that a context can be made for; it stays hidden until it is shown.</summary>
    /// <exception cref="ModelException">It cannot be made, such as where SDL finds no OpenGL.</exception>
    public static void CreateWindow(SdlWindow window, int width, int height)
    {
        foreach ((int attribute, int value) in s_attributes)
        {
            if (SdlNative.GlSetAttribute(attribute, value) != 0) throw Failure("OpenGL 4.5 cannot be asked for");
        }
        window.Create(width, height, SdlNative.WindowOpenGL | SdlNative.WindowHidden);
    }

    /// <summary>Makes the context, current on the calling thread, which is the window's.</summary>
    /// <exception cref="ModelException">There is none.</exception>
    public static OpenGLPlatformInfo Create(SdlWindow window)
    {
        nint handle = window.Handle, context = SdlNative.GlCreateContext(handle);
        if (context == 0) throw Failure("there is no context of OpenGL 4.5");
        // Pictures come at their own pace, each is shown at once, and desktops compose without tearing. To wait for the display instead
        // would cost up to one of its intervals of age, and for ever where a driver never refreshes a hidden window.
        _ = SdlNative.GlSetSwapInterval(0);
        return new OpenGLPlatformInfo(
            context,
            SdlNative.GlGetProcAddress,
            wanted => MakeCurrent(handle, wanted),
            SdlNative.GlGetCurrentContext,
            static () => MakeCurrent(0, 0),
            SdlNative.GlDeleteContext,
            () => SdlNative.GlSwapWindow(handle),
            static on => _ = SdlNative.GlSetSwapInterval(on ? 1 : 0));
    }

    private static void MakeCurrent(nint window, nint context)
    {
        if (SdlNative.GlMakeCurrent(window, context) != 0) throw Failure("its context cannot be made current");
    }

    private static ModelException Failure(string what) => new($"The window's OpenGL fails: {what} ({SdlNative.LastError}).");
}
