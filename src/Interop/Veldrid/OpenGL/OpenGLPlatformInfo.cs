namespace Veldrid.OpenGL;

public class OpenGLPlatformInfo
{
    public OpenGLPlatformInfo(
        IntPtr openGLContextHandle,
        Func<string, IntPtr> getProcAddress,
        Action<IntPtr> makeCurrent,
        Func<IntPtr> getCurrentContext,
        Action clearCurrentContext,
        Action<IntPtr> deleteContext,
        Action swapBuffers,
        Action<bool> setSyncToVerticalBlank)
    {
        OpenGLContextHandle = openGLContextHandle;
        GetProcAddress = getProcAddress;
        MakeCurrent = makeCurrent;
        GetCurrentContext = getCurrentContext;
        ClearCurrentContext = clearCurrentContext;
        DeleteContext = deleteContext;
        SwapBuffers = swapBuffers;
        SetSyncToVerticalBlank = setSyncToVerticalBlank;
    }

    public IntPtr OpenGLContextHandle { get; }

    public Func<string, IntPtr> GetProcAddress { get; }

    public Action<IntPtr> MakeCurrent { get; }

    public Func<IntPtr> GetCurrentContext { get; }

    public Action ClearCurrentContext { get; }

    public Action<IntPtr> DeleteContext { get; }

    public Action SwapBuffers { get; }

    public Action<bool> SetSyncToVerticalBlank { get; }
}
