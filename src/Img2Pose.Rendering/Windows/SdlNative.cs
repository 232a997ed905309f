using System.Runtime.InteropServices;

namespace Img2Pose.Rendering.Windows;

/// <summary>
/// The functions of SDL 2.0 (https://wiki.libsdl.org/SDL2) that a window takes. Veldrid's own window package is managed code over
/// the same library that wants its native copy beside it; these few calls want the system's. All are called on the window's thread,
/// except <see cref="PushEvent"/>, which may be called on any.
/// </summary>
internal static unsafe partial class SdlNative
{
    public const string Library = "libSDL2-2.0.so.0";
    public const uint Video = 0x20;
    public const uint WindowFullscreenDesktop = 0x1001, WindowOpenGL = 0x2, WindowShown = 0x4, WindowHidden = 0x8, WindowResizable = 0x20, WindowMinimized = 0x40, WindowHighDpi = 0x2000;
    public const int PositionUndefined = 0x1FFF0000;
    public const uint QuitEvent = 0x100, WindowEvent = 0x200, KeyDown = 0x300, UserEvent = 0x8000;
    public const byte WindowExposed = 3, WindowSizeChanged = 6, WindowRestored = 9, WindowClose = 14;
    public const uint FormatXrgb = 0x16161804, FormatArgb = 0x16362004;

    [LibraryImport(Library, EntryPoint = "SDL_SetHint", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SetHint(string name, string value);

    [LibraryImport(Library, EntryPoint = "SDL_InitSubSystem")]
    public static partial int InitSubSystem(uint flags);

    [LibraryImport(Library, EntryPoint = "SDL_QuitSubSystem")]
    public static partial void QuitSubSystem(uint flags);

    [LibraryImport(Library, EntryPoint = "SDL_GetError")]
    public static partial byte* GetError();

    [LibraryImport(Library, EntryPoint = "SDL_GetCurrentVideoDriver")]
    public static partial byte* GetCurrentVideoDriver();

    [LibraryImport(Library, EntryPoint = "SDL_CreateWindow", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint CreateWindow(string title, int x, int y, int width, int height, uint flags);

    [LibraryImport(Library, EntryPoint = "SDL_DestroyWindow")]
    public static partial void DestroyWindow(nint window);

    [LibraryImport(Library, EntryPoint = "SDL_ShowWindow")]
    public static partial void ShowWindow(nint window);

    [LibraryImport(Library, EntryPoint = "SDL_SetWindowTitle", StringMarshalling = StringMarshalling.Utf8)]
    public static partial void SetWindowTitle(nint window, string title);

    [LibraryImport(Library, EntryPoint = "SDL_SetWindowSize")]
    public static partial void SetWindowSize(nint window, int width, int height);

    [LibraryImport(Library, EntryPoint = "SDL_SetWindowMinimumSize")]
    public static partial void SetWindowMinimumSize(nint window, int width, int height);

    [LibraryImport(Library, EntryPoint = "SDL_GetWindowSize")]
    public static partial void GetWindowSize(nint window, int* width, int* height);

    [LibraryImport(Library, EntryPoint = "SDL_GL_GetDrawableSize")]
    public static partial void GetDrawableSize(nint window, int* width, int* height);

    [LibraryImport(Library, EntryPoint = "SDL_GetWindowFlags")]
    public static partial uint GetWindowFlags(nint window);

    [LibraryImport(Library, EntryPoint = "SDL_SetWindowFullscreen")]
    public static partial int SetWindowFullscreen(nint window, uint flags);

    [LibraryImport(Library, EntryPoint = "SDL_GetWindowDisplayIndex")]
    public static partial int GetWindowDisplayIndex(nint window);

    [LibraryImport(Library, EntryPoint = "SDL_GetDisplayUsableBounds")]
    public static partial int GetDisplayUsableBounds(int display, Rect* bounds);

    [LibraryImport(Library, EntryPoint = "SDL_GetDisplayBounds")]
    public static partial int GetDisplayBounds(int display, Rect* bounds);

    [LibraryImport(Library, EntryPoint = "SDL_GetVersion")]
    public static partial void GetVersion(byte* version);

    [LibraryImport(Library, EntryPoint = "SDL_GetWindowWMInfo")]
    public static partial int GetWindowWmInfo(nint window, WmInfo* info);

    /// <summary>Of Xlib: size of a window as the server has it.</summary>
    [LibraryImport("libX11.so.6", EntryPoint = "XGetGeometry")]
    public static partial int XGetGeometry(nint display, nint drawable, nint* root, int* x, int* y, uint* width, uint* height, uint* border, uint* depth);

    [LibraryImport(Library, EntryPoint = "SDL_GetWindowPosition")]
    public static partial void GetWindowPosition(nint window, int* x, int* y);

    [LibraryImport(Library, EntryPoint = "SDL_SetWindowPosition")]
    public static partial void SetWindowPosition(nint window, int x, int y);

    [LibraryImport(Library, EntryPoint = "SDL_SetWindowBordered")]
    public static partial void SetWindowBordered(nint window, int bordered);

    [LibraryImport(Library, EntryPoint = "SDL_GetDisplayDPI")]
    public static partial int GetDisplayDpi(int display, float* diagonal, float* horizontal, float* vertical);

    [LibraryImport(Library, EntryPoint = "SDL_GetWindowSurface")]
    public static partial Surface* GetWindowSurface(nint window);

    [LibraryImport(Library, EntryPoint = "SDL_UpdateWindowSurface")]
    public static partial int UpdateWindowSurface(nint window);

    [LibraryImport(Library, EntryPoint = "SDL_WaitEventTimeout")]
    public static partial int WaitEventTimeout(Event* received, int milliseconds);

    [LibraryImport(Library, EntryPoint = "SDL_PollEvent")]
    public static partial int PollEvent(Event* received);

    [LibraryImport(Library, EntryPoint = "SDL_PushEvent")]
    public static partial int PushEvent(Event* sent);

    [LibraryImport(Library, EntryPoint = "SDL_GL_SetAttribute")]
    public static partial int GlSetAttribute(int attribute, int value);

    [LibraryImport(Library, EntryPoint = "SDL_GL_CreateContext")]
    public static partial nint GlCreateContext(nint window);

    [LibraryImport(Library, EntryPoint = "SDL_GL_DeleteContext")]
    public static partial void GlDeleteContext(nint context);

    [LibraryImport(Library, EntryPoint = "SDL_GL_MakeCurrent")]
    public static partial int GlMakeCurrent(nint window, nint context);

    [LibraryImport(Library, EntryPoint = "SDL_GL_GetCurrentContext")]
    public static partial nint GlGetCurrentContext();

    [LibraryImport(Library, EntryPoint = "SDL_GL_GetProcAddress", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint GlGetProcAddress(string name);

    [LibraryImport(Library, EntryPoint = "SDL_GL_SwapWindow")]
    public static partial void GlSwapWindow(nint window);

    [LibraryImport(Library, EntryPoint = "SDL_GL_SetSwapInterval")]
    public static partial int GlSetSwapInterval(int interval);

    /// <summary>SDL's words for the last failure of the calling thread.</summary>
    public static string LastError => Marshal.PtrToStringUTF8((nint)GetError()) is { Length: > 0 } text ? text.TrimEnd('.') : "no reason given";

    /// <summary>SDL_Rect.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Rect
    {
        public int X, Y, Width, Height;
    }

    /// <summary>SDL_SysWMinfo, with what X11 has in its union.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    public struct WmInfo
    {
        [FieldOffset(0)] public byte Version; // and two more bytes
        [FieldOffset(4)] public int System;
        [FieldOffset(8)] public nint Display;
        [FieldOffset(16)] public nint Window;

        /// <summary>Value of <see cref="System"/> for X11.</summary>
        public const int X11 = 2;
    }

    /// <summary>The beginning of SDL_Surface.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Surface
    {
        public uint Flags;
        public uint* Format; // SDL_PixelFormat, which begins with its code
        public int Width, Height, Pitch;
        public byte* Pixels;
    }

    /// <summary>SDL_Event: a union of 56 bytes, of which windows and keys are read.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 64)]
    public struct Event
    {
        [FieldOffset(0)] public uint Type;
        [FieldOffset(12)] public byte Window;
        [FieldOffset(13)] public byte Repeat;
        [FieldOffset(20)] public int Key;
    }
}
