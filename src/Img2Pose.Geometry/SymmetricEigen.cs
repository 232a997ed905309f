namespace Img2Pose.Geometry;

/// <summary>Eigenvalues and eigenvectors of small symmetric matrices by cyclic Jacobi rotations.</summary>
internal static class SymmetricEigen
{
    private const int MaximumSweeps = 60;

    /// <summary>
    /// Decomposes a symmetric n×n matrix. Jacobi's method is chosen for its accuracy in the smallest eigenvalues, which
    /// is what EPnP lives on.
    /// </summary>
    /// <param name="matrix">Row-major n×n; destroyed.</param>
    /// <param name="n">Order of the matrix.</param>
    /// <param name="values">Receives n eigenvalues, ascending.</param>
    /// <param name="vectors">Receives the unit eigenvectors, one a row, in the order of the values.</param>
    public static void Decompose(Span<double> matrix, int n, Span<double> values, Span<double> vectors)
    {
        vectors[..(n * n)].Clear();
        for (int i = 0; i < n; i++) vectors[i * n + i] = 1;

        for (int sweep = 0; sweep < MaximumSweeps; sweep++)
        {
            double offDiagonal = 0, diagonal = 0;
            for (int p = 0; p < n; p++)
            {
                diagonal += matrix[p * n + p] * matrix[p * n + p];
                for (int q = p + 1; q < n; q++) offDiagonal += matrix[p * n + q] * matrix[p * n + q];
            }
            // Squares of relative size 1e-34: nothing left that a double could still resolve.
            if (!(offDiagonal > 1e-34 * diagonal)) break;

            for (int p = 0; p < n; p++)
            {
                for (int q = p + 1; q < n; q++) Rotate(matrix, vectors, n, p, q);
            }
        }

        for (int i = 0; i < n; i++) values[i] = matrix[i * n + i];
        for (int i = 0; i < n - 1; i++)
        {
            int smallest = i;
            for (int j = i + 1; j < n; j++) if (values[j] < values[smallest]) smallest = j;
            if (smallest == i) continue;
            (values[i], values[smallest]) = (values[smallest], values[i]);
            for (int k = 0; k < n; k++)
            {
                (vectors[i * n + k], vectors[smallest * n + k]) = (vectors[smallest * n + k], vectors[i * n + k]);
            }
        }
    }

    private static void Rotate(Span<double> matrix, Span<double> vectors, int n, int p, int q)
    {
        double apq = matrix[p * n + q];
        if (apq == 0) return;
        double theta = (matrix[q * n + q] - matrix[p * n + p]) / (2 * apq);
        double tangent = Math.CopySign(1, theta) / (Math.Abs(theta) + Math.Sqrt(theta * theta + 1));
        double cosine = 1 / Math.Sqrt(tangent * tangent + 1), sine = tangent * cosine;
        for (int k = 0; k < n; k++)
        {
            double akp = matrix[k * n + p], akq = matrix[k * n + q];
            matrix[k * n + p] = cosine * akp - sine * akq;
            matrix[k * n + q] = sine * akp + cosine * akq;
        }
        for (int k = 0; k < n; k++)
        {
            double apk = matrix[p * n + k], aqk = matrix[q * n + k];
            matrix[p * n + k] = cosine * apk - sine * aqk;
            matrix[q * n + k] = sine * apk + cosine * aqk;
            double vpk = vectors[p * n + k], vqk = vectors[q * n + k];
            vectors[p * n + k] = cosine * vpk - sine * vqk;
            vectors[q * n + k] = sine * vpk + cosine * vqk;
        }
        matrix[p * n + q] = matrix[q * n + p] = 0;
    }
}
