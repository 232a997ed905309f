using Img2Pose.Formats;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.OpenCv;

namespace Img2Pose.Evaluation.Pack;

/// <summary>
/// A pack whose pictures are turned about their middle, each into a square of half its circumference: the camera's focal length and
/// the size of faces stay as they are. Faces count from 48 pixels where they are whole at every angle, so that all angles have the
/// same ones.
/// </summary>
public static class TurnedPack
{
    /// <summary>Smallest face that counts, by the larger side of its box in the picture that is not turned, pixels.</summary>
    public const double SmallestFace = 48;

    /// <summary>Side of a picture once turned, pixels.</summary>
    public static int Side(int width, int height) => (width + height) / 2;

    /// <summary>A turned picture's annotation, with as many faces in the same order; those that do not count are ignored.</summary>
    /// <param name="image">The annotation.</param>
    /// <param name="degrees">Degrees clockwise.</param>
    public static AnnotatedImage Turn(AnnotatedImage image, double degrees)
    {
        ArgumentNullException.ThrowIfNull(image);
        int side = Side(image.Width, image.Height);
        return image with { Width = side, Height = side, Faces = [.. image.Faces.Select(face => Turn(face, image, side, degrees * (Math.PI / 180)))] };
    }

    /// <summary>Turns a picture as <see cref="Turn(AnnotatedImage, double)"/> does its annotation.</summary>
    /// <param name="picture">An RGB frame in host memory; only read.</param>
    /// <param name="degrees">Degrees clockwise.</param>
    /// <param name="pool">What the turned picture is rented from.</param>
    /// <returns>The turned picture, the caller's.</returns>
    public static VideoFrame Turn(VideoFrame picture, double degrees, FramePool pool)
    {
        ArgumentNullException.ThrowIfNull(picture);
        ArgumentNullException.ThrowIfNull(pool);
        return TurnedPicture.Turn(picture, Side(picture.Width, picture.Height), degrees, pool);
    }

    private static AnnotatedFace Turn(AnnotatedFace face, AnnotatedImage image, int side, double angle)
    {
        (double sin, double cos) = Math.SinCos(angle);
        int middle = side / 2;
        double x = 0.5 * (face.Box.Left + face.Box.Right) - image.Width / 2, y = 0.5 * (face.Box.Top + face.Box.Bottom) - image.Height / 2;
        // What turns is a face and not its box: an ellipse in it, of which this is half the box.
        double width = 0.5 * Math.Sqrt(Square(face.Box.Width * cos) + Square(face.Box.Height * sin));
        double height = 0.5 * Math.Sqrt(Square(face.Box.Width * sin) + Square(face.Box.Height * cos));
        (double turnedX, double turnedY) = (middle + cos * x - sin * y, middle + sin * x + cos * y);
        Box box = new(
            Math.Clamp(turnedX - width, 0, side), Math.Clamp(turnedY - height, 0, side), Math.Clamp(turnedX + width, 0, side), Math.Clamp(turnedY + height, 0, side));
        bool isWhole = Math.Sqrt(x * x + y * y) + 0.5 * face.Size <= middle;
        return face with
        {
            Box = box,
            Pose = face.Pose is { } pose ? InPlaneTurn.Of(pose, angle) : null,
            Ignore = face.Ignore || !isWhole || face.Size < SmallestFace,
            Landmarks = null,
            SourceBox = null,
            SourceYaw = null,
            SourcePitch = null,
            SourceRoll = null,
        };
    }

    private static double Square(double value) => value * value;
}
