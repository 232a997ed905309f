namespace Img2Pose.Geometry;

/// <summary>Which faces of a picture come first when not all are wanted.</summary>
public enum FaceOrder
{
    /// <summary>Nearest to the camera's axis first: by √(tx² + ty²), as the original.</summary>
    Position,

    /// <summary>Best score first.</summary>
    Confidence,
}

/// <summary>Puts faces in a <see cref="FaceOrder"/>.</summary>
public static class FaceOrdering
{
    /// <summary>The faces in the given order; equal ones keep theirs.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An order that does not exist.</exception>
    public static IEnumerable<FaceDetection> InOrder(this IEnumerable<FaceDetection> faces, FaceOrder order) => order switch
    {
        FaceOrder.Position => faces.OrderBy(static face => Math.Sqrt(
            face.Pose.Translation.X * face.Pose.Translation.X + face.Pose.Translation.Y * face.Pose.Translation.Y)),
        FaceOrder.Confidence => faces.OrderByDescending(static face => face.Score),
        _ => throw new ArgumentOutOfRangeException(nameof(order), order, "An order that does not exist."),
    };
}
