using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Rendering.Meshes;
using Img2Pose.Rendering.Views;

namespace Img2Pose.Rendering.Tests.Views;

/// <summary>The original's formulas against a plain implementation in doubles, written from their description.</summary>
public sealed class FacePoseNetViewsTests
{
    private const int Crop = FacePoseNetViews.CropSide, View = FacePoseNetViews.ViewSide;

    [Theory]
    [InlineData(0, 0, true)]
    [InlineData(18, 0, true)]
    [InlineData(18, 40, false)]
    [InlineData(50, 75, false)]
    public void A_view_is_what_the_formulas_say(double sourceYaw, int yaw, bool symmetry)
    {
        byte[] crop = Noise();
        Pose pose = new(new EulerAngles(sourceYaw, 5, 3).ToRotationVector(), new Vector3d(0.1, 0.05, 5.2));
        FacePoseNetViews views = new(FaceSurface.LoadDefault());
        byte[] view = new byte[3 * View * View];
        views.Render(crop, pose, yaw, symmetry, view);

        byte[] expected = Slow(crop, pose, views.ShapeAt(yaw).Points, views.ShapeAt(yaw).IsFace, symmetry && yaw == 0);
        // Bytes are cut off, not rounded: where a float lies at a whole number, float and double may fall on both sides of it; and a
        // pixel of the frontal view may be counted for another one of the crop.
        int different = 0;
        for (int i = 0; i < view.Length; i++)
        {
            Assert.InRange(Math.Abs(view[i] - expected[i]), 0, 3);
            if (view[i] != expected[i]) different++;
        }
        Assert.InRange(different, 0, view.Length / 50);
    }

    [Fact]
    public void The_crop_is_one_and_a_half_times_the_square_box_and_black_outside()
    {
        using FramePool pool = new();
        using VideoFrame frame = pool.Rent(PixelFormat.Rgb24, 300, 200);
        for (int y = 0; y < 200; y++) frame.GetPlane(0).Row(y).Fill(200);
        FacePoseNetViews views = new(FaceSurface.LoadDefault());
        byte[] crop = new byte[3 * Crop * Crop], mirrored = new byte[3 * Crop * Crop];
        // 100 × 80 at the left edge: the square is 100 wide, the crop 150, of which 25 lie outside.
        Box inside = views.Crop(frame, new Box(0, 60, 100, 140), crop, mirror: false);
        Assert.Equal(Crop * 25.0 / 150, inside.Left, 0.01);
        Assert.Equal(Crop * 125.0 / 150, inside.Right, 0.01);
        Assert.Equal(Crop * 25.0 / 150, inside.Top, 0.01);
        int edge = (int)(Crop * 25.0 / 150);
        Assert.Equal(0, crop[3 * (100 * Crop + edge - 3)]);
        Assert.Equal(200, crop[3 * (100 * Crop + edge + 3)]);

        Box other = views.Crop(frame, new Box(0, 60, 100, 140), mirrored, mirror: true);
        Assert.Equal(Crop - inside.Right, other.Left, 1e-9);
        for (int x = 0; x < Crop; x++) Assert.Equal(crop[3 * (100 * Crop + x)], mirrored[3 * (100 * Crop + Crop - 1 - x)]);
        Assert.Throws<InputException>(() => views.Crop(frame, new Box(400, 0, 500, 100), crop, false));
        Assert.Throws<InputException>(() => views.Crop(frame, new Box(0, 0, 1e5, 100), crop, false));
        Assert.Throws<InputException>(() => views.Crop(frame, new Box(double.NaN, 0, 50, 100), crop, false));
    }

    [Theory]
    [InlineData(0, new[] { 0, 22, 40, 55, 75 })]
    [InlineData(-14.9, new[] { 0, 22, 40, 55, 75 })]
    [InlineData(15, new[] { 40, 55, 75 })]
    [InlineData(-39.9, new[] { 40, 55, 75 })]
    [InlineData(40, new[] { 55, 75 })]
    [InlineData(88, new[] { 55, 75 })]
    public void Views_are_chosen_by_the_yaw(double yaw, int[] expected) => Assert.Equal(expected, FacePoseNetViews.ViewsFor(yaw));

    [Theory]
    [InlineData(30)]
    [InlineData(-62)]
    public void The_yaw_is_minus_the_arcsine_of_an_element(double yaw) =>
        Assert.Equal(yaw, FacePoseNetViews.YawOf(new Pose(new EulerAngles(yaw, 0, 0).ToRotationVector(), new Vector3d(0, 0, 5))), 1e-6);

    private static byte[] Slow(byte[] crop, Pose pose, IReadOnlyList<System.Numerics.Vector3> points, IReadOnlyList<bool> face, bool symmetry)
    {
        Matrix3x3d rotation = RotationVector.ToMatrix(pose.Rotation);
        double[] x = new double[View * View], y = new double[View * View];
        bool[] inside = new bool[View * View];
        for (int i = 0; i < x.Length; i++)
        {
            Vector3d p = rotation * new Vector3d(points[i].X, points[i].Y, points[i].Z) + pose.Translation;
            // Pixels from 1, as in the original: the middle of the first is 1.
            double u = 2.0 * Crop * p.X / p.Z + Crop / 2 + 0.5, v = 2.0 * Crop * p.Y / p.Z + Crop / 2 + 0.5;
            inside[i] = Math.Min(u, v) >= 1 && u <= Crop && v <= Crop;
            (x[i], y[i]) = (u, v);
        }
        int[] outside = [.. Enumerable.Range(0, x.Length).Where(i => !inside[i])];
        double strip = Enumerable.Range(0, x.Length).Where(i => inside[i] && face[i]).Select(i => x[i]).DefaultIfEmpty(0).Min() / Crop * 0.25;
        if (outside.Length > 0)
        {
            double lowX = outside.Min(i => x[i]), highX = outside.Max(i => x[i]), lowY = outside.Min(i => y[i]), highY = outside.Max(i => y[i]);
            foreach (int i in outside)
            {
                x[i] = (x[i] - lowX) / (highX > lowX ? highX - lowX : 1);
                y[i] = (y[i] - lowY) / (highY > lowY ? highY - lowY : 1);
            }
            int[] beyond = [.. outside.Where(i => x[i] > strip)];
            double furthest = beyond.Length > 0 ? beyond.Max(i => x[i]) : 1;
            foreach (int i in beyond) x[i] = x[i] / furthest * strip;
            foreach (int i in outside) (x[i], y[i]) = (x[i] * Crop, y[i] * Crop);
        }
        for (int i = 0; i < x.Length; i++)
        {
            if (inside[i]) (x[i], y[i]) = (x[i] - 1, y[i] - 1);
        }
        byte[] view = new byte[3 * View * View];
        for (int i = 0; i < x.Length; i++)
        {
            for (int c = 0; c < 3; c++) view[3 * i + c] = (byte)Math.Clamp(Cubic(crop, x[i], y[i], c), 0, 255);
        }
        return symmetry ? Symmetric(view, x, y, inside, face) : view;
    }

    private static byte[] Symmetric(byte[] view, double[] x, double[] y, bool[] inside, IReadOnlyList<bool> face)
    {
        (int, int) Pixel(int i) => ((int)MathF.Round((float)y[i]), (int)MathF.Round((float)x[i]));
        Dictionary<(int, int), int> count = [];
        for (int i = 0; i < x.Length; i++)
        {
            if (inside[i]) count[Pixel(i)] = count.GetValueOrDefault(Pixel(i)) + 1;
        }
        double[] weight = new double[x.Length];
        for (int row = 0; row < View; row++)
        {
            for (int column = 0; column < View; column++)
            {
                double sum = 0, all = 0;
                for (int dy = -7; dy <= 7; dy++)
                {
                    for (int dx = -7; dx <= 7; dx++)
                    {
                        int at = Math.Clamp(row + dy, 0, View - 1) * View + Math.Clamp(column + dx, 0, View - 1);
                        double k = Math.Exp(-(dx * dx + dy * dy) / (2.0 * 30 * 30));
                        sum += k * (inside[at] ? count[Pixel(at)] : 0);
                        all += k;
                    }
                }
                weight[row * View + column] = sum / all;
            }
        }
        double least = Enumerable.Range(0, x.Length).Where(i => face[i]).Min(i => weight[i]), most = Enumerable.Range(0, x.Length).Where(i => face[i]).Max(i => weight[i]);
        byte[] result = (byte[])view.Clone();
        for (int i = 0; i < x.Length; i++)
        {
            int column = i % View, other = i - column + View - 1 - column;
            if (column >= 112 || !face[i]) continue;
            double w = (weight[i] - least) / (most - least);
            for (int c = 0; c < 3; c++) result[3 * i + c] = (byte)(view[3 * i + c] * (1 - w) + view[3 * other + c] * w);
        }
        return result;
    }

    /// <summary>Cubic convolution with a = −¾ over four by four pixels; 0 outside.</summary>
    private static double Cubic(byte[] crop, double x, double y, int channel)
    {
        static double Kernel(double d)
        {
            const double a = -0.75;
            d = Math.Abs(d);
            return d <= 1 ? (a + 2) * d * d * d - (a + 3) * d * d + 1 : d < 2 ? a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a : 0;
        }
        double sum = 0;
        for (int j = (int)Math.Floor(y) - 1; j <= (int)Math.Floor(y) + 2; j++)
        {
            for (int i = (int)Math.Floor(x) - 1; i <= (int)Math.Floor(x) + 2; i++)
            {
                if (i >= 0 && j >= 0 && i < Crop && j < Crop) sum += Kernel(x - i) * Kernel(y - j) * crop[3 * (j * Crop + i) + channel];
            }
        }
        return sum;
    }

    /// <summary>A picture with detail of every size.</summary>
    private static byte[] Noise()
    {
        Random random = new(5);
        byte[] crop = new byte[3 * Crop * Crop];
        for (int i = 0; i < crop.Length; i++)
        {
            int x = i / 3 % Crop, y = i / 3 / Crop;
            crop[i] = (byte)(128 + 60 * Math.Sin(0.11 * x + i % 3) + 40 * Math.Cos(0.07 * y) + random.Next(-10, 11));
        }
        return crop;
    }
}
