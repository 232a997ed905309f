using System.Text.Json;
using Img2Pose.Formats;
using Img2Pose.Testing;

namespace Img2Pose.Geometry.Tests;

/// <summary>Reads the golden geometry cases; the running test is skipped where they are absent.</summary>
internal static class Golden
{
    public static JsonElement Load(params string[] parts)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(SharedData.RequireGolden(parts)));
        return document.RootElement.Clone();
    }

    public static ReferenceFace OfficialReference() => ReferenceFaceFiles.Load(SharedData.Require("reference"));

    /// <summary>Number and element of each case, so that a failure can name it.</summary>
    public static IEnumerable<(int Index, JsonElement Case)> Cases(this JsonElement root, string list = "cases") =>
        root.GetProperty(list).EnumerateArray().Select((element, index) => (index, element));

    public static double Number(this JsonElement element, string name) => element.GetProperty(name).GetDouble();

    public static int Integer(this JsonElement element, string name) => element.GetProperty(name).GetInt32();

    public static double[] Numbers(this JsonElement element) => [.. element.EnumerateArray().Select(static e => e.GetDouble())];

    public static double[] Numbers(this JsonElement element, string name) => element.GetProperty(name).Numbers();

    public static double[][] Rows(this JsonElement element, string name) =>
        [.. element.GetProperty(name).EnumerateArray().Select(static row => row.Numbers())];

    public static Vector3d Vector(this JsonElement element, string name) => ToVector(element.Numbers(name));

    public static Pose Pose(this JsonElement element, string name) => ToPose(element.Numbers(name));

    public static Pose ToPose(double[] six) => new(ToVector(six.AsSpan(0, 3)), ToVector(six.AsSpan(3, 3)));

    public static Box Box(this JsonElement element, string name) => ToBox(element.Numbers(name));

    public static Box ToBox(double[] edges) => new(edges[0], edges[1], edges[2], edges[3]);

    public static Matrix3x3d Matrix(this JsonElement element, string name)
    {
        double[][] m = element.Rows(name);
        return new Matrix3x3d(m[0][0], m[0][1], m[0][2], m[1][0], m[1][1], m[1][2], m[2][0], m[2][1], m[2][2]);
    }

    public static CameraIntrinsics Camera(this JsonElement element, string name)
    {
        Matrix3x3d k = element.Matrix(name);
        return new CameraIntrinsics(k.M11, k.M13, k.M23);
    }

    public static (double X, double Y)[] Points(this JsonElement element, string name) =>
        [.. element.Rows(name).Select(static row => (row[0], row[1]))];

    public static double Difference(Vector3d a, Vector3d b) =>
        Math.Max(Math.Abs(a.X - b.X), Math.Max(Math.Abs(a.Y - b.Y), Math.Abs(a.Z - b.Z)));

    public static double Largest(Vector3d v) => Difference(v, Vector3d.Zero);

    public static double Difference(Pose a, Pose b) =>
        Math.Max(Difference(a.Rotation, b.Rotation), Difference(a.Translation, b.Translation));

    public static double Difference(in Matrix3x3d a, in Matrix3x3d b) => new[]
    {
        a.M11 - b.M11, a.M12 - b.M12, a.M13 - b.M13, a.M21 - b.M21, a.M22 - b.M22, a.M23 - b.M23, a.M31 - b.M31, a.M32 - b.M32, a.M33 - b.M33,
    }.Max(Math.Abs);

    private static Vector3d ToVector(ReadOnlySpan<double> v) => new(v[0], v[1], v[2]);
}
