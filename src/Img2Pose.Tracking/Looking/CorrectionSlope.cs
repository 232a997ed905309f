using Img2Pose.Geometry;

namespace Img2Pose.Tracking;

/// <summary>
/// Learns how the correction of one face's rotation depends on the rotation, from the differences between one measurement and the
/// next: least squares that holds to "not at all" until there is evidence.
/// </summary>
internal struct CorrectionSlope
{
    /// <summary>Weight of "not at all", square radians of evidence: some ten turns by 2.5 degrees.</summary>
    private const double Prior = 0.02;

    /// <summary>Turns by more, radians, are jumps and no evidence.</summary>
    private const double LargestStep = 0.5;

    // Sums of x·xᵀ (symmetric) and y·xᵀ.
    private double _xx, _xy, _xz, _yy, _yz, _zz;
    private Vector3d _byX, _byY, _byZ;

    /// <summary>Takes in a change of the correction with the change of the rotation that it came with.</summary>
    public void Learn(Vector3d turned, Vector3d changed)
    {
        if (!(turned.Length <= LargestStep) || !(changed.Length <= LargestStep)) return;
        _xx += turned.X * turned.X;
        _xy += turned.X * turned.Y;
        _xz += turned.X * turned.Z;
        _yy += turned.Y * turned.Y;
        _yz += turned.Y * turned.Z;
        _zz += turned.Z * turned.Z;
        _byX += turned.X * changed;
        _byY += turned.Y * changed;
        _byZ += turned.Z * changed;
    }

    /// <summary>The slope: (Σ y·xᵀ)·(Σ x·xᵀ + prior)⁻¹.</summary>
    public readonly Matrix3x3d Value
    {
        get
        {
            double a = _xx + Prior, d = _yy + Prior, f = _zz + Prior, b = _xy, c = _xz, e = _yz;
            // The inverse of a symmetric matrix by its cofactors; positive definite for the prior's sake.
            double aa = d * f - e * e, ab = c * e - b * f, ac = b * e - c * d, bb = a * f - c * c, bc = b * c - a * e, cc = a * d - b * b;
            double determinant = a * aa + b * ab + c * ac;
            Vector3d first = (aa / determinant) * _byX + (ab / determinant) * _byY + (ac / determinant) * _byZ;
            Vector3d second = (ab / determinant) * _byX + (bb / determinant) * _byY + (bc / determinant) * _byZ;
            Vector3d third = (ac / determinant) * _byX + (bc / determinant) * _byY + (cc / determinant) * _byZ;
            return new Matrix3x3d(first.X, second.X, third.X, first.Y, second.Y, third.Y, first.Z, second.Z, third.Z);
        }
    }
}
