using Img2Pose.Geometry;

namespace Img2Pose.Training.Augmentation;

/// <summary>
/// Re-derives a pose after a picture was warped. Under rotation about the principal point, uniform scaling and mirroring
/// the new pose is exact. A moved principal point is a homography that no rigid motion reproduces; there the pose is the
/// one whose projected reference points lie nearest, in least squares, to the warped projections of the old one.
/// Landmarks of the picture play no part.
/// </summary>
internal static class PoseWarp
{
    private const int MaximumIterations = 12;

    private const int MostOnStack = 68;

    /// <summary>The pose after <paramref name="warp"/> under the camera of the new picture.</summary>
    /// <param name="points">Reference points, at least four and not coplanar.</param>
    /// <param name="source">Pose in the source picture; in front of the camera.</param>
    /// <param name="from">Intrinsics of the source picture.</param>
    /// <param name="warp">Source pixels to destination pixels.</param>
    /// <param name="to">Intrinsics of the destination picture.</param>
    /// <returns>The pose, or null when the fit ends behind the camera or not finite.</returns>
    public static Pose? Refit(
        ReadOnlySpan<Vector3d> points, Pose source, CameraIntrinsics from, SimilarityWarp warp, CameraIntrinsics to)
    {
        if (warp.Mirror)
        {
            // The reference face stands for its own mirror image; that is a degree from true (models/img2pose-r18.md).
            source = Mirrored(source);
            from = new CameraIntrinsics(from.FocalLength, -from.CenterX, from.CenterY);
            warp = warp with { Mirror = false };
        }

        // The reference's 68 points and fewer lie on the stack.
        Span<(double X, double Y)> targets = points.Length <= MostOnStack ? (stackalloc (double, double)[MostOnStack])[..points.Length] : new (double, double)[points.Length];
        Matrix3x3d sourceRotation = RotationVector.ToMatrix(source.Rotation);
        for (int i = 0; i < points.Length; i++)
        {
            (double x, double y) = from.Project(sourceRotation * points[i] + source.Translation);
            targets[i] = warp.Apply(x, y);
        }

        (Matrix3x3d rotation, Vector3d translation) = Guess(sourceRotation, source.Translation, from, warp, to);
        GaussNewton(points, targets, to, ref rotation, ref translation);
        Pose pose = new(RotationVector.FromMatrix(rotation), translation);
        return pose.IsFinite && translation.Z > 0 ? pose : null;
    }

    /// <summary>The pose of the mirrored picture (x to −x about the principal point).</summary>
    public static Pose Mirrored(Pose pose) => new(
        new Vector3d(pose.Rotation.X, -pose.Rotation.Y, -pose.Rotation.Z),
        new Vector3d(-pose.Translation.X, pose.Translation.Y, pose.Translation.Z));

    /// <summary>
    /// The rigid motion that keeps the face's look along its own ray: the face is turned onto the optical axis, rolled by
    /// the warp's angle, and turned onto the ray of its new centre, at the depth that gives the new size. Exact where an
    /// exact answer exists.
    /// </summary>
    private static (Matrix3x3d Rotation, Vector3d Translation) Guess(
        in Matrix3x3d rotation, Vector3d translation, CameraIntrinsics from, SimilarityWarp warp, CameraIntrinsics to)
    {
        (double x, double y) = from.Project(translation);
        (x, y) = warp.Apply(x, y);
        Vector3d oldRay = translation / translation.Z;
        Vector3d newRay = new((x - to.CenterX) / to.FocalLength, (y - to.CenterY) / to.FocalLength, 1);
        (double sin, double cos) = Math.SinCos(warp.Angle);
        Matrix3x3d roll = new(cos, -sin, 0, sin, cos, 0, 0, 0, 1);
        Matrix3x3d turned = FromAxis(newRay) * (roll * (FromAxis(oldRay).Transposed * rotation));
        // Apparent size is f / (depth along the axis) times the obliquity, which the ratio of ray lengths accounts for.
        double depth = translation.Z * to.FocalLength / (from.FocalLength * warp.Scale);
        return (turned, depth * newRay);
    }

    /// <summary>The smallest rotation that takes the optical axis to the direction of <paramref name="ray"/> (z = 1).</summary>
    private static Matrix3x3d FromAxis(Vector3d ray)
    {
        Vector3d d = ray / ray.Length;
        double k = 1 / (1 + d.Z);
        return new Matrix3x3d(
            1 - k * d.X * d.X, -k * d.X * d.Y, d.X,
            -k * d.X * d.Y, 1 - k * d.Y * d.Y, d.Y,
            -d.X, -d.Y, d.Z);
    }

    /// <summary>Damped Gauss–Newton on the reprojection error; the rotation is updated from the left.</summary>
    private static void GaussNewton(
        ReadOnlySpan<Vector3d> points, ReadOnlySpan<(double X, double Y)> targets, CameraIntrinsics camera,
        ref Matrix3x3d rotation, ref Vector3d translation)
    {
        Span<double> normal = stackalloc double[36];
        Span<double> gradient = stackalloc double[6];
        Span<double> step = stackalloc double[6];
        double cost = Cost(points, targets, camera, rotation, translation);
        double damping = 0;
        for (int iteration = 0; iteration < MaximumIterations; iteration++)
        {
            Linearise(points, targets, camera, rotation, translation, normal, gradient);
            for (int i = 0; i < 6; i++) normal[i * 6 + i] *= 1 + damping;
            if (!SolveCholesky(normal, gradient, step)) return;

            Vector3d turn = new(step[0], step[1], step[2]);
            Vector3d move = new(step[3], step[4], step[5]);
            Matrix3x3d newRotation = RotationVector.ToMatrix(turn) * rotation;
            Vector3d newTranslation = translation + move;
            double newCost = Cost(points, targets, camera, newRotation, newTranslation);
            if (newCost <= cost)
            {
                rotation = newRotation;
                translation = newTranslation;
                bool converged = turn.Length < 1e-9 && move.Length < 1e-9 * translation.Length;
                cost = newCost;
                damping *= 0.1;
                if (converged) return;
            }
            else
            {
                // At the rounding floor no step improves; anywhere else shorter steps do.
                if (turn.Length < 1e-7) return;
                damping = damping == 0 ? 1e-3 : damping * 10;
            }
        }
    }

    private static double Cost(
        ReadOnlySpan<Vector3d> points, ReadOnlySpan<(double X, double Y)> targets, CameraIntrinsics camera,
        in Matrix3x3d rotation, Vector3d translation)
    {
        double sum = 0;
        for (int i = 0; i < points.Length; i++)
        {
            Vector3d p = rotation * points[i] + translation;
            if (p.Z <= 0) return double.PositiveInfinity;
            (double x, double y) = camera.Project(p);
            sum += (x - targets[i].X) * (x - targets[i].X) + (y - targets[i].Y) * (y - targets[i].Y);
        }
        return sum;
    }

    private static void Linearise(
        ReadOnlySpan<Vector3d> points, ReadOnlySpan<(double X, double Y)> targets, CameraIntrinsics camera,
        in Matrix3x3d rotation, Vector3d translation, Span<double> normal, Span<double> gradient)
    {
        normal.Clear();
        gradient.Clear();
        Span<double> rowX = stackalloc double[6];
        Span<double> rowY = stackalloc double[6];
        for (int i = 0; i < points.Length; i++)
        {
            Vector3d turned = rotation * points[i];
            Vector3d p = turned + translation;
            double inverse = 1 / p.Z;
            double scale = camera.FocalLength * inverse;
            double x = p.X * inverse, y = p.Y * inverse;
            // d(x/z) and d(y/z) by the point, then the point by turn (turn × turned) and by translation.
            Vector3d byX = new(scale, 0, -scale * x);
            Vector3d byY = new(0, scale, -scale * y);
            Vector3d turnX = Vector3d.Cross(turned, byX);
            Vector3d turnY = Vector3d.Cross(turned, byY);
            (rowX[0], rowX[1], rowX[2], rowX[3], rowX[4], rowX[5]) = (turnX.X, turnX.Y, turnX.Z, byX.X, byX.Y, byX.Z);
            (rowY[0], rowY[1], rowY[2], rowY[3], rowY[4], rowY[5]) = (turnY.X, turnY.Y, turnY.Z, byY.X, byY.Y, byY.Z);
            double residualX = targets[i].X - (camera.FocalLength * x + camera.CenterX);
            double residualY = targets[i].Y - (camera.FocalLength * y + camera.CenterY);
            for (int r = 0; r < 6; r++)
            {
                gradient[r] += rowX[r] * residualX + rowY[r] * residualY;
                for (int c = 0; c <= r; c++) normal[r * 6 + c] += rowX[r] * rowX[c] + rowY[r] * rowY[c];
            }
        }
    }

    /// <summary>Solves the symmetric 6×6 system whose lower triangle is given; overwrites it with its factor.</summary>
    private static bool SolveCholesky(Span<double> a, ReadOnlySpan<double> b, Span<double> x)
    {
        for (int i = 0; i < 6; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                double sum = a[i * 6 + j];
                for (int k = 0; k < j; k++) sum -= a[i * 6 + k] * a[j * 6 + k];
                if (i == j)
                {
                    if (!(sum > 0)) return false;
                    a[i * 6 + i] = Math.Sqrt(sum);
                }
                else
                {
                    a[i * 6 + j] = sum / a[j * 6 + j];
                }
            }
        }
        for (int i = 0; i < 6; i++)
        {
            double sum = b[i];
            for (int k = 0; k < i; k++) sum -= a[i * 6 + k] * x[k];
            x[i] = sum / a[i * 6 + i];
        }
        for (int i = 5; i >= 0; i--)
        {
            double sum = x[i];
            for (int k = i + 1; k < 6; k++) sum -= a[k * 6 + i] * x[k];
            x[i] = sum / a[i * 6 + i];
        }
        return true;
    }
}
