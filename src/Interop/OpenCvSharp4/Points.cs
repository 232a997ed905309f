using System.Runtime.InteropServices;

namespace OpenCvSharp;

[StructLayout(LayoutKind.Sequential)]
public record struct Point2f(float X, float Y)
{
    public float X = X;
    public float Y = Y;
}

[StructLayout(LayoutKind.Sequential)]
public record struct Point3f(float X, float Y, float Z)
{
    public float X = X;
    public float Y = Y;
    public float Z = Z;
}
