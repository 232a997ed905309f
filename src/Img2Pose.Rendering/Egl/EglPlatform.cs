using System.Runtime.InteropServices;
using Veldrid.OpenGL;

namespace Img2Pose.Rendering.Egl;

/// <summary>
/// Makes OpenGL 4.5 core contexts without a window through EGL: on the first device that is also CUDA's, where there is a driver of
/// NVIDIA's; else on Mesa's surfaceless platform, else on the first EGL device that can. The display is opened once per process and stays open, because it is shared by every context on it.
/// </summary>
internal static unsafe class EglPlatform
{
    private const string InstallHint = "install it with: apt-get install libegl1 libegl-mesa0 libgl1-mesa-dri";
    private const uint PlatformSurfacelessMesa = 0x31DD, PlatformDevice = 0x313F, OpenGLApi = 0x30A2;
    private const int None = 0x3038;
    private static readonly Lock s_gate = new();
    private static nint s_display;

    /// <summary>
    /// Makes a context, current on the calling thread as <c>GraphicsDevice.CreateOpenGL</c> expects it, and describes it to
    /// Veldrid, whose device owns it from then on and moves it to a thread of its own.
    /// </summary>
    /// <param name="rasteriserThreads">
    /// Threads of Mesa's software rasteriser; 0 draws on the device's own thread. Null leaves Mesa's choice (one per core).
    /// Mesa reads it when the process makes its first context; later values have no effect.
    /// </param>
    /// <exception cref="ModelException">EGL or OpenGL 4.5 is not there.</exception>
    public static OpenGLPlatformInfo CreateContext(int? rasteriserThreads)
    {
        nint display = OpenDisplay(rasteriserThreads);
        Check(EglNative.BindApi(OpenGLApi) != 0, "eglBindAPI");
        ReadOnlySpan<int> configAttributes = [0x3033 /* SURFACE_TYPE */, 0, 0x3040 /* RENDERABLE_TYPE */, 8 /* OPENGL */, None];
        nint config;
        int count;
        fixed (int* attributes = configAttributes)
            Check(EglNative.ChooseConfig(display, attributes, &config, 1, &count) != 0 && count > 0, "eglChooseConfig");
        ReadOnlySpan<int> contextAttributes = [0x3098 /* MAJOR */, 4, 0x30FB /* MINOR */, 5, 0x30FD /* PROFILE_MASK */, 1 /* CORE */, None];
        EglContextHandle context;
        fixed (int* attributes = contextAttributes)
            context = new EglContextHandle(display, EglNative.CreateContext(display, config, 0, attributes));
        if (context.IsInvalid) throw Failure("eglCreateContext (OpenGL 4.5 core)");
        Check(EglNative.MakeCurrent(display, 0, 0, context.DangerousGetHandle()) != 0, "eglMakeCurrent");

        return new OpenGLPlatformInfo(
            context.DangerousGetHandle(),
            EglNative.GetProcAddress,
            handle => Check(EglNative.MakeCurrent(display, 0, 0, handle) != 0, "eglMakeCurrent"),
            EglNative.GetCurrentContext,
            () => Check(EglNative.MakeCurrent(display, 0, 0, 0) != 0, "eglMakeCurrent"),
            _ => context.Dispose(),
            static () => throw new NotSupportedException("A surfaceless context has no buffers to swap."),
            static _ => { });
    }

    private static nint OpenDisplay(int? rasteriserThreads)
    {
        lock (s_gate)
        {
            if (s_display != 0) return s_display;
            try
            {
                // The managed environment is a copy that native code does not see, so this goes to the C library.
                if (rasteriserThreads is int threads)
                    EglNative.SetEnvironmentVariable("LP_NUM_THREADS", threads.ToString(System.Globalization.CultureInfo.InvariantCulture), 1);
                // Mesa beside it would draw on the processor.
                if (NativeLibrary.TryLoad("libcuda.so.1", out _)) s_display = FirstDeviceDisplay(ofCuda: true);
                if (s_display == 0) s_display = Initialise(EglNative.GetPlatformDisplay(PlatformSurfacelessMesa, 0, null));
                if (s_display == 0) s_display = FirstDeviceDisplay(ofCuda: false);
            }
            catch (DllNotFoundException e)
            {
                throw new ModelException($"libEGL.so.1 cannot be loaded, so no overlay can be drawn; {InstallHint}", e);
            }
            catch (EntryPointNotFoundException e)
            {
                throw new ModelException($"libEGL.so.1 is older than EGL 1.5, so no overlay can be drawn; {InstallHint}", e);
            }
            if (s_display == 0) throw new ModelException($"EGL has no display without a window, so no overlay can be drawn; {InstallHint}");
            return s_display;
        }
    }

    private static nint FirstDeviceDisplay(bool ofCuda)
    {
        // EGL_CUDA_DEVICE_NV of EGL_NV_device_cuda.
        const int CudaDevice = 0x323A;
        nint ask = EglNative.GetProcAddress("eglQueryDeviceAttribEXT");
        nint address = EglNative.GetProcAddress("eglQueryDevicesEXT");
        if (address == 0) return 0;
        nint* devices = stackalloc nint[16];
        int count = 0;
        if (((delegate* unmanaged<int, nint*, int*, uint>)address)(16, devices, &count) == 0) return 0;
        for (int i = 0; i < count; i++)
        {
            nint ordinal = -1;
            if (ofCuda && (ask == 0 || ((delegate* unmanaged<nint, int, nint*, uint>)ask)(devices[i], CudaDevice, &ordinal) == 0 || ordinal != 0)) continue;
            nint display = Initialise(EglNative.GetPlatformDisplay(PlatformDevice, devices[i], null));
            if (display != 0) return display;
        }
        return 0;
    }

    private static nint Initialise(nint display) =>
        display != 0 && EglNative.Initialize(display, null, null) != 0 ? display : 0;

    private static void Check(bool succeeded, string call)
    {
        if (!succeeded) throw Failure(call);
    }

    private static ModelException Failure(string call) =>
        new($"EGL failed at {call} with 0x{EglNative.GetError():X}, so no overlay can be drawn; OpenGL 4.5 is needed: {InstallHint}");
}

/// <summary>Owns one EGL context.</summary>
internal sealed class EglContextHandle : SafeHandle
{
    private readonly nint _display;

    public EglContextHandle(nint display, nint context) : base(0, ownsHandle: true)
    {
        _display = display;
        SetHandle(context);
    }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle() => EglNative.DestroyContext(_display, handle) != 0;
}

internal static unsafe partial class EglNative
{
    private const string Egl = "libEGL.so.1";

    [LibraryImport(Egl, EntryPoint = "eglGetPlatformDisplay")]
    public static partial nint GetPlatformDisplay(uint platform, nint nativeDisplay, nint* attributes);

    [LibraryImport(Egl, EntryPoint = "eglInitialize")]
    public static partial uint Initialize(nint display, int* major, int* minor);

    [LibraryImport(Egl, EntryPoint = "eglBindAPI")]
    public static partial uint BindApi(uint api);

    [LibraryImport(Egl, EntryPoint = "eglChooseConfig")]
    public static partial uint ChooseConfig(nint display, int* attributes, nint* configs, int size, int* count);

    [LibraryImport(Egl, EntryPoint = "eglCreateContext")]
    public static partial nint CreateContext(nint display, nint config, nint share, int* attributes);

    [LibraryImport(Egl, EntryPoint = "eglDestroyContext")]
    public static partial uint DestroyContext(nint display, nint context);

    [LibraryImport(Egl, EntryPoint = "eglMakeCurrent")]
    public static partial uint MakeCurrent(nint display, nint draw, nint read, nint context);

    [LibraryImport(Egl, EntryPoint = "eglGetCurrentContext")]
    public static partial nint GetCurrentContext();

    [LibraryImport(Egl, EntryPoint = "eglGetProcAddress", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint GetProcAddress(string name);

    [LibraryImport(Egl, EntryPoint = "eglGetError")]
    public static partial int GetError();

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SetEnvironmentVariable(string name, string value, int overwrite);
}
