using System.Text.Json;
using Img2Pose.Geometry;

namespace Img2Pose.Training.Tests;

/// <summary>Reads arrays of numbers, however nested, from the golden files.</summary>
internal static class GoldenJson
{
    internal static float[] Floats(this JsonElement element) => [.. Numbers(element).Select(number => (float)number.GetDouble())];

    internal static double[] Doubles(this JsonElement element) => [.. Numbers(element).Select(number => number.GetDouble())];

    internal static int[] Integers(this JsonElement element) => [.. Numbers(element).Select(number => (int)number.GetDouble())];

    internal static Pose ToPose(this JsonElement element)
    {
        double[] six = element.Doubles();
        return new Pose(new Vector3d(six[0], six[1], six[2]), new Vector3d(six[3], six[4], six[5]));
    }

    private static IEnumerable<JsonElement> Numbers(JsonElement element) =>
        element.ValueKind == JsonValueKind.Array ? element.EnumerateArray().SelectMany(Numbers) : [element];
}
