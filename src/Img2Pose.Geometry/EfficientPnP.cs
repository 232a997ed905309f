using MathNet.Numerics.LinearAlgebra;

namespace Img2Pose.Geometry;

/// <summary>
/// EPnP (Lepetit, Moreno-Noguer, Fua: "EPnP: an accurate O(n) solution to the PnP problem", IJCV 2009): every point is a
/// weighted sum of four control points, whose camera coordinates lie in the null space of a 2n×12 system. Three
/// approximations of the null-space weights, each polished by Gauss–Newton on the control points' distances, give three
/// poses; the one with the least reprojection error wins, as in OpenCV's solver, whose results it reproduces.
/// </summary>
internal static class EfficientPnP
{
    private const int ControlPoints = 4;
    private const int GaussNewtonIterations = 5;
    private const int AmbiguousBases = 8;
    private const double ClearGain = 1.25;

    /// <summary>The six pairs of control points whose distances are known.</summary>
    private static readonly (int A, int B)[] Pairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)];

    /// <summary>Order of the products βi·βj in the columns of the distance system.</summary>
    private static readonly (int I, int J)[] Products =
        [(0, 0), (0, 1), (1, 1), (0, 2), (1, 2), (2, 2), (0, 3), (1, 3), (2, 3), (3, 3)];

    /// <summary>Which products each of the three approximations solves for.</summary>
    private static readonly int[][] Approximations = [[0, 1, 3, 6], [0, 1, 2], [0, 1, 2, 3, 4]];

    public static Pose Solve(ReadOnlySpan<Vector3d> points, ReadOnlySpan<(double X, double Y)> pixels, CameraIntrinsics camera)
    {
        Vector3d[] controls = ChooseControlPoints(points);
        double[] weights = BarycentricWeights(points, controls);
        Vector3d[,] nullVectors = SmallestSingularVectors(weights, pixels, camera);
        Pose pose = BestOfThree(nullVectors, controls, weights, points, pixels, camera);
        if (points.Length >= 6) return pose;

        // Up to five points leave a null space of two or more dimensions, in which any basis is as good as another, but
        // from some of them none of the approximations comes near. So others are tried, and preferred for a clear gain.
        Pose best = pose;
        double error = PerspectiveNPoint.ReprojectionError(points, pixels, camera, pose), leastError = error;
        for (int basis = 1; basis < AmbiguousBases; basis++)
        {
            TurnNullSpace(nullVectors, Math.PI / AmbiguousBases);
            Pose other = BestOfThree(nullVectors, controls, weights, points, pixels, camera);
            double otherError = PerspectiveNPoint.ReprojectionError(points, pixels, camera, other);
            if (otherError < leastError) (best, leastError) = (other, otherError);
        }
        return leastError * ClearGain < error ? best : pose;
    }

    private static Pose BestOfThree(
        Vector3d[,] nullVectors, Vector3d[] controls, double[] weights,
        ReadOnlySpan<Vector3d> points, ReadOnlySpan<(double X, double Y)> pixels, CameraIntrinsics camera)
    {
        (Matrix<double> system, Vector<double> distances) = DistanceSystem(nullVectors, controls);
        Pose best = new(new Vector3d(double.NaN, double.NaN, double.NaN), new Vector3d(double.NaN, double.NaN, double.NaN));
        double leastError = double.PositiveInfinity;
        foreach (int[] columns in Approximations)
        {
            double[] beta = InitialBeta(system, distances, columns);
            PolishBeta(system, distances, beta);
            Pose pose = PoseFromBeta(beta, nullVectors, weights, points);
            double error = pose.IsFinite ? MeanError(points, pixels, camera, pose) : double.PositiveInfinity;
            if (error < leastError) (best, leastError) = (pose, error);
        }
        return best;
    }

    private static void TurnNullSpace(Vector3d[,] nullVectors, double angle)
    {
        (double sine, double cosine) = Math.SinCos(angle);
        for (int j = 0; j < ControlPoints; j++)
        {
            Vector3d first = nullVectors[0, j], second = nullVectors[1, j];
            nullVectors[0, j] = cosine * first + sine * second;
            nullVectors[1, j] = cosine * second - sine * first;
        }
    }

    /// <summary>The centroid, and one point along each principal axis at the standard deviation's distance.</summary>
    private static Vector3d[] ChooseControlPoints(ReadOnlySpan<Vector3d> points)
    {
        Vector3d mean = Vector3d.Zero;
        foreach (Vector3d point in points) mean += point;
        mean /= points.Length;

        Span<double> scatter = stackalloc double[9], values = stackalloc double[3], axes = stackalloc double[9];
        foreach (Vector3d point in points)
        {
            Vector3d d = point - mean;
            Span<double> v = [d.X, d.Y, d.Z];
            for (int i = 0; i < 9; i++) scatter[i] += v[i / 3] * v[i % 3];
        }
        PrincipalAxes(scatter, values, axes);

        Vector3d[] controls = [mean, default, default, default];
        for (int i = 0; i < 3; i++)
        {
            double length = Math.Sqrt(values[i] / points.Length);
            controls[i + 1] = mean + length * new Vector3d(axes[i * 3], axes[i * 3 + 1], axes[i * 3 + 2]);
        }
        return controls;
    }

    /// <summary>
    /// Eigenvectors of a 3×3 scatter matrix, largest value first, by one-sided Jacobi rotations (Hestenes) that move the
    /// larger row up. With noisy pixels the pose depends on which way each axis points, since mirrored control points
    /// weigh the errors differently; these rotations leave the axes pointing as OpenCV's do.
    /// </summary>
    private static void PrincipalAxes(Span<double> rows, Span<double> values, Span<double> axes)
    {
        axes.Clear();
        axes[0] = axes[4] = axes[8] = 1;
        bool rotated = true;
        for (int sweep = 0; sweep < 30 && rotated; sweep++)
        {
            rotated = false;
            for (int i = 0; i < 2; i++)
            {
                for (int j = i + 1; j < 3; j++)
                {
                    double a = Dot(rows, i, i), b = Dot(rows, j, j), p = Dot(rows, i, j);
                    if (Math.Abs(p) <= 1e-15 * Math.Sqrt(a * b)) continue;
                    rotated = true;
                    double beta = a - b, gamma = Math.Sqrt(4 * p * p + beta * beta), cosine, sine;
                    if (beta < 0)
                    {
                        sine = Math.Sqrt(0.5 * (gamma - beta) / gamma);
                        cosine = p / (gamma * sine);
                    }
                    else
                    {
                        cosine = Math.Sqrt(0.5 * (gamma + beta) / gamma);
                        sine = p / (gamma * cosine);
                    }
                    Turn(rows, i, j, cosine, sine);
                    Turn(axes, i, j, cosine, sine);
                }
            }
        }

        for (int i = 0; i < 3; i++) values[i] = Math.Sqrt(Dot(rows, i, i));
        for (int i = 0; i < 2; i++)
        {
            int largest = i;
            for (int j = i + 1; j < 3; j++) if (values[j] > values[largest]) largest = j;
            if (largest == i) continue;
            (values[i], values[largest]) = (values[largest], values[i]);
            for (int k = 0; k < 3; k++) (axes[3 * i + k], axes[3 * largest + k]) = (axes[3 * largest + k], axes[3 * i + k]);
        }

        static double Dot(ReadOnlySpan<double> m, int i, int j) =>
            m[3 * i] * m[3 * j] + m[3 * i + 1] * m[3 * j + 1] + m[3 * i + 2] * m[3 * j + 2];

        static void Turn(Span<double> m, int i, int j, double cosine, double sine)
        {
            for (int k = 0; k < 3; k++)
            {
                double upper = m[3 * i + k], lower = m[3 * j + k];
                m[3 * i + k] = cosine * upper + sine * lower;
                m[3 * j + k] = cosine * lower - sine * upper;
            }
        }
    }

    private static double[] BarycentricWeights(ReadOnlySpan<Vector3d> points, Vector3d[] controls)
    {
        double[] weights = new double[points.Length * ControlPoints];
        for (int i = 0; i < points.Length; i++)
        {
            Vector3d d = points[i] - controls[0];
            double sum = 0;
            for (int j = 1; j < ControlPoints; j++)
            {
                // The axes are orthogonal, so each coordinate is a projection; a flat axis gives NaN, hence no pose.
                Vector3d axis = controls[j] - controls[0];
                double weight = Vector3d.Dot(d, axis) / Vector3d.Dot(axis, axis);
                weights[i * ControlPoints + j] = weight;
                sum += weight;
            }
            weights[i * ControlPoints] = 1 - sum;
        }
        return weights;
    }

    /// <summary>The four right singular vectors of the projection system with the smallest singular values, smallest first.</summary>
    private static Vector3d[,] SmallestSingularVectors(double[] weights, ReadOnlySpan<(double X, double Y)> pixels, CameraIntrinsics camera)
    {
        const int n = 3 * ControlPoints;
        double[] normal = new double[n * n];
        Span<double> rowX = stackalloc double[n], rowY = stackalloc double[n];
        for (int i = 0; i < pixels.Length; i++)
        {
            for (int j = 0; j < ControlPoints; j++)
            {
                double weight = weights[i * ControlPoints + j];
                (rowX[3 * j], rowX[3 * j + 1], rowX[3 * j + 2]) = (weight * camera.FocalLength, 0, weight * (camera.CenterX - pixels[i].X));
                (rowY[3 * j], rowY[3 * j + 1], rowY[3 * j + 2]) = (0, weight * camera.FocalLength, weight * (camera.CenterY - pixels[i].Y));
            }
            for (int r = 0; r < n; r++)
            {
                for (int c = 0; c < n; c++) normal[r * n + c] += rowX[r] * rowX[c] + rowY[r] * rowY[c];
            }
        }

        double[] values = new double[n], vectors = new double[n * n];
        SymmetricEigen.Decompose(normal, n, values, vectors);
        Vector3d[,] result = new Vector3d[4, ControlPoints];
        for (int k = 0; k < 4; k++)
        {
            for (int j = 0; j < ControlPoints; j++)
            {
                result[k, j] = new Vector3d(vectors[k * n + 3 * j], vectors[k * n + 3 * j + 1], vectors[k * n + 3 * j + 2]);
            }
        }
        return result;
    }

    /// <summary>The linear system that relates the ten products βi·βj to the six squared distances.</summary>
    private static (Matrix<double> System, Vector<double> Distances) DistanceSystem(Vector3d[,] nullVectors, Vector3d[] controls)
    {
        Matrix<double> system = Matrix<double>.Build.Dense(Pairs.Length, Products.Length);
        Vector<double> distances = Vector<double>.Build.Dense(Pairs.Length);
        for (int row = 0; row < Pairs.Length; row++)
        {
            (int a, int b) = Pairs[row];
            for (int column = 0; column < Products.Length; column++)
            {
                (int i, int j) = Products[column];
                double dot = Vector3d.Dot(nullVectors[i, a] - nullVectors[i, b], nullVectors[j, a] - nullVectors[j, b]);
                system[row, column] = i == j ? dot : 2 * dot;
            }
            Vector3d d = controls[a] - controls[b];
            distances[row] = Vector3d.Dot(d, d);
        }
        return (system, distances);
    }

    /// <summary>Solves for some of the products and takes the weights out of them, up to the common sign.</summary>
    private static double[] InitialBeta(Matrix<double> system, Vector<double> distances, int[] columns)
    {
        Matrix<double> part = Matrix<double>.Build.Dense(Pairs.Length, columns.Length, (row, column) => system[row, columns[column]]);
        Vector<double> products = part.QR().Solve(distances);
        double sign = products[0] < 0 ? -1 : 1;
        double[] beta = new double[4];
        beta[0] = Math.Sqrt(sign * products[0]);
        if (columns.Length == 4)
        {
            for (int i = 1; i < 4; i++) beta[i] = sign * products[i] / beta[0];
            return beta;
        }

        beta[1] = Math.Sqrt(Math.Max(0, sign * products[2]));
        if (products[1] < 0) beta[0] = -beta[0];
        if (columns.Length == 5) beta[2] = products[3] / beta[0];
        return beta;
    }

    private static void PolishBeta(Matrix<double> system, Vector<double> distances, double[] beta)
    {
        for (int iteration = 0; iteration < GaussNewtonIterations; iteration++)
        {
            Matrix<double> jacobian = Matrix<double>.Build.Dense(Pairs.Length, 4);
            Vector<double> residual = distances.Clone();
            for (int row = 0; row < Pairs.Length; row++)
            {
                for (int column = 0; column < Products.Length; column++)
                {
                    (int i, int j) = Products[column];
                    double coefficient = system[row, column];
                    residual[row] -= coefficient * beta[i] * beta[j];
                    jacobian[row, i] += coefficient * beta[j];
                    jacobian[row, j] += coefficient * beta[i];
                }
            }
            Vector<double> step = jacobian.QR().Solve(residual);
            for (int i = 0; i < 4; i++) beta[i] += step[i];
        }
    }

    private static Pose PoseFromBeta(double[] beta, Vector3d[,] nullVectors, double[] weights, ReadOnlySpan<Vector3d> points)
    {
        Vector3d[] controls = new Vector3d[ControlPoints];
        for (int k = 0; k < 4; k++)
        {
            for (int j = 0; j < ControlPoints; j++) controls[j] += beta[k] * nullVectors[k, j];
        }

        Vector3d[] camera = new Vector3d[points.Length];
        for (int i = 0; i < camera.Length; i++)
        {
            for (int j = 0; j < ControlPoints; j++) camera[i] += weights[i * ControlPoints + j] * controls[j];
        }
        // The null space is blind to sign; the points lie in front of the camera.
        if (camera[0].Z < 0) for (int i = 0; i < camera.Length; i++) camera[i] = -camera[i];
        return RigidAlignment.Estimate(points, camera);
    }

    /// <summary>Mean distance in pixels: the criterion by which OpenCV chooses among the three.</summary>
    private static double MeanError(
        ReadOnlySpan<Vector3d> points, ReadOnlySpan<(double X, double Y)> pixels, CameraIntrinsics camera, Pose pose)
    {
        Matrix3x3d rotation = RotationVector.ToMatrix(pose.Rotation);
        double sum = 0;
        for (int i = 0; i < points.Length; i++)
        {
            (double x, double y) = camera.Project(rotation * points[i] + pose.Translation);
            sum += Math.Sqrt((x - pixels[i].X) * (x - pixels[i].X) + (y - pixels[i].Y) * (y - pixels[i].Y));
        }
        return sum / points.Length;
    }
}
