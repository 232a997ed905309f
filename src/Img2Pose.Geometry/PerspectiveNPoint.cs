namespace Img2Pose.Geometry;

/// <summary>How well a pose explains where known 3D points are in a picture, and the pose that explains it best.</summary>
public static class PerspectiveNPoint
{
    private const int MaximumIterations = 100;

    /// <summary>
    /// Minimises the weighted squared reprojection error from an initial pose by Levenberg–Marquardt. With the weights
    /// all equal the result is the maximum-likelihood pose under isotropic pixel noise.
    /// </summary>
    /// <param name="points3d">At least three reference points.</param>
    /// <param name="points2d">Their pixels, as many.</param>
    /// <param name="camera">Camera of the picture.</param>
    /// <param name="initial">A pose that puts every point in front of the camera.</param>
    /// <param name="weights">One non-negative weight a point, or empty for equal ones.</param>
    /// <returns>The refined pose, never worse than the initial one; that one itself where its error is not finite.</returns>
    /// <exception cref="ArgumentException">Too few points, or unequal numbers.</exception>
    public static Pose Refine(
        ReadOnlySpan<Vector3d> points3d, ReadOnlySpan<(double X, double Y)> points2d, CameraIntrinsics camera,
        Pose initial, ReadOnlySpan<double> weights = default)
    {
        Validate(points3d, points2d, 3);
        if (!weights.IsEmpty && weights.Length != points3d.Length)
        {
            throw new ArgumentException("There must be one weight a point.", nameof(weights));
        }

        Span<double> normal = stackalloc double[36], factor = stackalloc double[36], gradient = stackalloc double[6], step = stackalloc double[6];
        Pose pose = initial;
        double cost = Linearise(points3d, points2d, camera, pose, weights, normal, gradient);
        double damping = 1e-3;
        for (int iteration = 0; iteration < MaximumIterations && double.IsFinite(cost); iteration++)
        {
            normal.CopyTo(factor);
            for (int i = 0; i < 6; i++) factor[i * 7] += damping * normal[i * 7] + double.Epsilon;
            bool solved = SolveCholesky(factor, gradient, step);
            Pose candidate = solved
                ? new Pose(
                    RotationVector.Compose(new Vector3d(step[0], step[1], step[2]), pose.Rotation),
                    pose.Translation + new Vector3d(step[3], step[4], step[5]))
                : pose;
            double candidateCost = solved ? Cost(points3d, points2d, camera, candidate, weights) : double.PositiveInfinity;
            if (candidateCost < cost)
            {
                double gain = cost - candidateCost;
                pose = candidate;
                damping = Math.Max(1e-12, 0.1 * damping);
                cost = Linearise(points3d, points2d, camera, pose, weights, normal, gradient);
                if (gain <= 1e-15 * cost) break;
            }
            else
            {
                damping *= 10;
                if (damping > 1e12) break;
            }
        }
        return pose;
    }

    /// <summary>Root mean square distance, in pixels, between projected points and given ones; infinite where a point lies behind the camera.</summary>
    public static double ReprojectionError(
        ReadOnlySpan<Vector3d> points3d, ReadOnlySpan<(double X, double Y)> points2d, CameraIntrinsics camera, Pose pose)
    {
        Validate(points3d, points2d, 1);
        return Math.Sqrt(Cost(points3d, points2d, camera, pose, []) / points3d.Length);
    }

    private static double Cost(
        ReadOnlySpan<Vector3d> points3d, ReadOnlySpan<(double X, double Y)> points2d, CameraIntrinsics camera, Pose pose,
        ReadOnlySpan<double> weights)
    {
        Matrix3x3d rotation = RotationVector.ToMatrix(pose.Rotation);
        double cost = 0;
        for (int i = 0; i < points3d.Length; i++)
        {
            Vector3d point = rotation * points3d[i] + pose.Translation;
            if (!(point.Z > 0)) return double.PositiveInfinity;
            (double x, double y) = camera.Project(point);
            double dx = x - points2d[i].X, dy = y - points2d[i].Y;
            cost += (weights.IsEmpty ? 1 : weights[i]) * (dx * dx + dy * dy);
        }
        return cost;
    }

    /// <summary>Fills JᵀWJ and −JᵀWr for a rotation increment applied from the left and a translation increment; returns the cost.</summary>
    private static double Linearise(
        ReadOnlySpan<Vector3d> points3d, ReadOnlySpan<(double X, double Y)> points2d, CameraIntrinsics camera, Pose pose,
        ReadOnlySpan<double> weights, Span<double> normal, Span<double> gradient)
    {
        normal.Clear();
        gradient.Clear();
        Matrix3x3d rotation = RotationVector.ToMatrix(pose.Rotation);
        Span<double> rowX = stackalloc double[6], rowY = stackalloc double[6];
        double cost = 0;
        for (int i = 0; i < points3d.Length; i++)
        {
            Vector3d turned = rotation * points3d[i];
            Vector3d point = turned + pose.Translation;
            if (!(point.Z > 0)) return double.PositiveInfinity;
            double scale = camera.FocalLength / point.Z, x = point.X / point.Z, y = point.Y / point.Z;
            Vector3d du = new(scale, 0, -scale * x), dv = new(0, scale, -scale * y);
            Fill(rowX, Vector3d.Cross(turned, du), du);
            Fill(rowY, Vector3d.Cross(turned, dv), dv);
            double errorX = camera.FocalLength * x + camera.CenterX - points2d[i].X;
            double errorY = camera.FocalLength * y + camera.CenterY - points2d[i].Y;
            double weight = weights.IsEmpty ? 1 : weights[i];
            cost += weight * (errorX * errorX + errorY * errorY);
            for (int r = 0; r < 6; r++)
            {
                gradient[r] -= weight * (rowX[r] * errorX + rowY[r] * errorY);
                for (int c = 0; c < 6; c++) normal[r * 6 + c] += weight * (rowX[r] * rowX[c] + rowY[r] * rowY[c]);
            }
        }
        return cost;

        static void Fill(Span<double> row, Vector3d rotation, Vector3d translation)
        {
            (row[0], row[1], row[2]) = (rotation.X, rotation.Y, rotation.Z);
            (row[3], row[4], row[5]) = (translation.X, translation.Y, translation.Z);
        }
    }

    /// <summary>Solves a positive definite 6×6 system in place; false where it is not positive definite.</summary>
    private static bool SolveCholesky(Span<double> matrix, ReadOnlySpan<double> right, Span<double> solution)
    {
        const int n = 6;
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                double sum = matrix[i * n + j];
                for (int k = 0; k < j; k++) sum -= matrix[i * n + k] * matrix[j * n + k];
                if (i != j) matrix[i * n + j] = sum / matrix[j * n + j];
                else if (sum > 0) matrix[i * n + i] = Math.Sqrt(sum);
                else return false;
            }
        }
        for (int i = 0; i < n; i++)
        {
            double sum = right[i];
            for (int k = 0; k < i; k++) sum -= matrix[i * n + k] * solution[k];
            solution[i] = sum / matrix[i * n + i];
        }
        for (int i = n - 1; i >= 0; i--)
        {
            double sum = solution[i];
            for (int k = i + 1; k < n; k++) sum -= matrix[k * n + i] * solution[k];
            solution[i] = sum / matrix[i * n + i];
        }
        return true;
    }

    private static void Validate(ReadOnlySpan<Vector3d> points3d, ReadOnlySpan<(double X, double Y)> points2d, int minimum)
    {
        if (points3d.Length < minimum || points3d.Length != points2d.Length)
        {
            throw new ArgumentException($"At least {minimum} points and as many pixels are needed.", nameof(points2d));
        }
    }
}
