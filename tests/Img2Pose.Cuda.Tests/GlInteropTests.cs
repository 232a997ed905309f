using System.Runtime.InteropServices;
using ManagedCuda;
using ManagedCuda.BasicTypes;

namespace Img2Pose.Cuda.Tests;

/// <summary>OpenGL's buffers read and written by CUDA, one by one and all at once, on a context of Mesa's.</summary>
[Collection(nameof(EmulatorCollection))]
public sealed unsafe partial class GlInteropTests : IDisposable
{
    private const string Egl = "libEGL.so.1";

    private readonly Emulator _emulator = new();

    public void Dispose() => _emulator.Dispose();

    [Fact]
    public void A_buffer_of_opengl_is_read_and_written_where_it_lies() => OnContext(() =>
    {
        Emulator.Set("GL", "map");
        using CudaDevice device = CudaDevice.Open();
        using CudaDevice.Scope scope = device.Enter();
        uint buffer = MakeBuffer([1, 2, 3, 4, 5, 6, 7, 8]);
        using (CudaOpenGLBufferInteropResource resource = new(buffer, CUGraphicsRegisterFlags.None))
        {
            Assert.True(resource.IsRegistered);
            Assert.False(resource.IsMapped);
            CudaException early = Assert.Throws<CudaException>(() => resource.GetMappedPointer(out _, out _));
            Assert.Equal(CUResult.ErrorInvalidValue, early.CudaError);
            resource.Map();
            Assert.True(resource.IsMapped);
            Assert.Equal(CUResult.ErrorAlreadyMapped, Assert.Throws<CudaException>(() => resource.Map()).CudaError);
            resource.GetMappedPointer(out CUdeviceptr pointer, out SizeT size);
            Assert.Equal(8UL, (ulong)size);
            Span<byte> memory = new((void*)(long)pointer.Pointer, 8);
            Assert.Equal<byte>([1, 2, 3, 4, 5, 6, 7, 8], memory);
            memory.Reverse();
            resource.UnMap();
            Assert.False(resource.IsMapped);
            Assert.Equal<byte>([8, 7, 6, 5, 4, 3, 2, 1], ReadBuffer(buffer, 8));
            // What is registered for reading only is not written back.
            resource.SetMapFlags(CUGraphicsMapResourceFlags.ReadOnly);
            resource.Map();
            resource.GetMappedPointer(out pointer, out _);
            *(byte*)(long)pointer.Pointer = 99;
            resource.UnMap();
            Assert.Equal<byte>([8, 7, 6, 5, 4, 3, 2, 1], ReadBuffer(buffer, 8));
            // One that is still mapped is unmapped when it is given up.
            resource.Map();
        }
        Assert.Equal(0, Emulator.Count("graphics_resources"));
    });

    [Fact]
    public void Several_are_mapped_at_once_and_given_up_at_once() => OnContext(() =>
    {
        Emulator.Set("GL", "map");
        using CudaDevice device = CudaDevice.Open();
        using CudaDevice.Scope scope = device.Enter();
        using CudaStream stream = new(CUStreamFlags.NonBlocking);
        CudaOpenGLBufferInteropResource first = new(MakeBuffer([1, 2, 3]), CUGraphicsRegisterFlags.None), second = new(MakeBuffer([4, 5]), CUGraphicsRegisterFlags.None);
        using (CudaGraphicsInteropResourceCollection all = [first, second])
        {
            Assert.Equal(2, all.Count);
            Assert.Same(second, all[1]);
            Assert.Contains(first, all);
            all.MapAllResources(stream.Stream);
            Assert.True(first.IsMapped && second.IsMapped);
            second.GetMappedPointer(out CUdeviceptr pointer, out SizeT size);
            Assert.Equal<byte>([4, 5], new Span<byte>((void*)(long)pointer.Pointer, (int)(ulong)size));
            all.UnmapAllResources(stream.Stream);
            Assert.False(first.IsMapped || second.IsMapped);
            Assert.True(all.Remove(first));
            first.Dispose();
            all.MapAllResources();
            Assert.True(second.IsMapped);
            Emulator.Set("REFUSE", "cuGraphicsMapResources:999");
            Assert.Throws<CudaException>(() => all.MapAllResources());
            Emulator.Set("REFUSE", null);
        }
        Assert.Equal(0, Emulator.Count("graphics_resources"));
        first.Dispose();
    });

    [Fact]
    public void Without_a_context_or_on_another_device_a_buffer_is_refused()
    {
        using CudaDevice device = CudaDevice.Open();
        using CudaDevice.Scope scope = device.Enter();
        Assert.Equal(CUResult.ErrorNotSupported, Assert.Throws<CudaException>(() => new CudaOpenGLBufferInteropResource(1, CUGraphicsRegisterFlags.None)).CudaError);
        Emulator.Set("GL", "map");
        Assert.Equal((CUResult)219, Assert.Throws<CudaException>(() => new CudaOpenGLBufferInteropResource(1, CUGraphicsRegisterFlags.None)).CudaError);
    }

    /// <summary>Runs a test on a thread of its own with a context of Mesa's that needs no display.</summary>
    private static void OnContext(Action test)
    {
        Exception? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                const int Surfaceless = 0x31DD, OpenGlApi = 0x30A2, Major = 0x3098, Minor = 0x30FB, None = 0x3038;
                nint display = eglGetPlatformDisplay(Surfaceless, 0, 0);
                Assert.NotEqual(0, display);
                Assert.NotEqual(0u, eglInitialize(display, out _, out _));
                Assert.NotEqual(0u, eglBindAPI(OpenGlApi));
                nint context = eglCreateContext(display, 0, 0, [Major, 4, Minor, 5, None]);
                Assert.NotEqual(0, context);
                Assert.NotEqual(0u, eglMakeCurrent(display, 0, 0, context));
                try
                {
                    test();
                }
                finally
                {
                    _ = eglMakeCurrent(display, 0, 0, 0);
                    _ = eglDestroyContext(display, context);
                }
            }
            catch (Exception error)
            {
                failure = error;
            }
        });
        thread.Start();
        thread.Join();
        if (failure is not null) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Capture(failure).Throw();
    }

    private static uint MakeBuffer(ReadOnlySpan<byte> bytes)
    {
        uint buffer;
        ((delegate* unmanaged<int, uint*, void>)Function("glCreateBuffers"))(1, &buffer);
        const uint DynamicCopy = 0x88EA;
        fixed (byte* data = bytes) ((delegate* unmanaged<uint, nint, void*, uint, void>)Function("glNamedBufferData"))(buffer, bytes.Length, data, DynamicCopy);
        return buffer;
    }

    private static byte[] ReadBuffer(uint buffer, int length)
    {
        byte[] bytes = new byte[length];
        fixed (byte* data = bytes) ((delegate* unmanaged<uint, nint, nint, void*, void>)Function("glGetNamedBufferSubData"))(buffer, 0, length, data);
        return bytes;
    }

    private static nint Function(string name)
    {
        nint address = eglGetProcAddress(name);
        Assert.NotEqual(0, address);
        return address;
    }

    [LibraryImport(Egl)]
    private static partial nint eglGetPlatformDisplay(uint platform, nint native, nint attributes);

    [LibraryImport(Egl)]
    private static partial uint eglInitialize(nint display, out int major, out int minor);

    [LibraryImport(Egl)]
    private static partial uint eglBindAPI(uint api);

    [LibraryImport(Egl)]
    private static partial nint eglCreateContext(nint display, nint config, nint share, int[] attributes);

    [LibraryImport(Egl)]
    private static partial uint eglMakeCurrent(nint display, nint draw, nint read, nint context);

    [LibraryImport(Egl)]
    private static partial uint eglDestroyContext(nint display, nint context);

    [LibraryImport(Egl, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint eglGetProcAddress(string name);
}
