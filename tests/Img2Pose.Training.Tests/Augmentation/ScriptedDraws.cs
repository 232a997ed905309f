using Img2Pose.Training.Augmentation;

namespace Img2Pose.Training.Tests.Augmentation;

/// <summary>Gives the numbers that the original drew, in its order; a crop's row, which it never drew, is 0.</summary>
internal sealed class ScriptedDraws(IEnumerable<double> numbers) : IAugmentationDraws
{
    private readonly Queue<double> _numbers = new(numbers);

    internal int Left => _numbers.Count;

    /// <summary>The draws of a golden case: [function, arguments…, value] each.</summary>
    internal static ScriptedDraws From(System.Text.Json.JsonElement draws)
    {
        List<double> numbers = [];
        bool cropping = false;
        foreach (System.Text.Json.JsonElement draw in draws.EnumerateArray())
        {
            numbers.Add(draw[draw.GetArrayLength() - 1].GetDouble());
            bool share = draw[0].GetString() == "uniform" && draw[1].GetDouble() == 0.7;
            if (cropping && !share) numbers.Add(0);
            cropping = share;
        }
        return new ScriptedDraws(numbers);
    }

    public double Uniform(double low, double high) => Next(low, high);

    public int Integer(int low, int high) => (int)Next(low, high);

    public double Normal() => throw new InvalidOperationException("No normal was recorded.");

    private double Next(double low, double high)
    {
        double number = _numbers.Dequeue();
        Assert.InRange(number, low, high);
        return number;
    }
}
