namespace Img2Pose.Geometry;

/// <summary>Places crops around faces.</summary>
public static class FaceCrop
{
    /// <summary>Steps in which sides grow to twice their length: few enough that sampling tables are used again and again.</summary>
    private const int StepsPerOctave = 6;

    private const int SmallestSide = 16;

    /// <summary>
    /// The square around a face in which it takes up a given share of the side, moved into the picture where it reaches beyond its
    /// edge, and cut to the picture where it is larger. It begins at even samples.
    /// </summary>
    /// <param name="face">Where the face is expected, in samples of the picture.</param>
    /// <param name="share">Longer side of the face over the side of the square, in (0, 1].</param>
    /// <param name="width">Width of the picture, samples.</param>
    /// <param name="height">Height of the picture, samples.</param>
    public static PictureRegion Around(in Box face, double share, int width, int height)
    {
        double wanted = Math.Max(face.Width, face.Height) / share;
        int side = SideFor(Math.Min(wanted, 2.0 * Math.Max(width, height)));
        int w = Math.Min(side, width), h = Math.Min(side, height);
        return new PictureRegion(Begin(face.CenterX, w, width), Begin(face.CenterY, h, height), w, h);
    }

    /// <summary>The nearest side of the ladder, an even number.</summary>
    public static int SideFor(double wanted)
    {
        int step = (int)Math.Round(StepsPerOctave * Math.Log2(Math.Max(wanted, SmallestSide) / SmallestSide));
        return 2 * (int)Math.Round(SmallestSide / 2 * Math.Pow(2, (double)step / StepsPerOctave));
    }

    private static int Begin(double center, int side, int length)
    {
        int last = length - side;
        int begin = (int)Math.Clamp(Math.Round(center - 0.5 * side), 0, last);
        // Even, and the crop still inside.
        return begin & ~1;
    }
}
