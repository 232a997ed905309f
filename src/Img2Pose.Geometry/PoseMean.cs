namespace Img2Pose.Geometry;

/// <summary>
/// The weighted mean of poses of one face that differ little: of turns against the first one, of the rays on which the faces' origins lie, and
/// of the logarithms of their depths.
/// </summary>
public struct PoseMean
{
    private readonly Pose _first;
    private Vector3d _turn;
    private double _x, _y, _depth, _weight;

    /// <summary>Begins with a pose, which alone is its own mean.</summary>
    /// <param name="first">The pose; its depth is above 0.</param>
    /// <param name="weight">Its weight, above 0.</param>
    public PoseMean(Pose first, double weight)
    {
        _first = first;
        Add(first, Vector3d.Zero, weight);
    }

    /// <summary>Adds a pose that is turned against the first by no more than an angle.</summary>
    /// <param name="pose">The pose; one whose depth is not above 0 or that is not finite is left out.</param>
    /// <param name="weight">Its weight, above 0.</param>
    /// <param name="mostTurn">The angle, radians; below π.</param>
    /// <returns>Whether it was added.</returns>
    public bool TryAdd(Pose pose, double weight, double mostTurn)
    {
        if (!pose.IsFinite || pose.Translation.Z <= 0) return false;
        Vector3d turn = RotationVector.Compose(-_first.Rotation, pose.Rotation);
        if (!(turn.Length <= mostTurn)) return false;
        Add(pose, turn, weight);
        return true;
    }

    /// <summary>The mean.</summary>
    public readonly Pose Value
    {
        get
        {
            double depth = Math.Exp(_depth / _weight);
            return new Pose(RotationVector.Compose(_first.Rotation, _turn / _weight), new Vector3d(_x / _weight * depth, _y / _weight * depth, depth));
        }
    }

    private void Add(Pose pose, Vector3d turn, double weight)
    {
        _turn += weight * turn;
        _x += weight * pose.Translation.X / pose.Translation.Z;
        _y += weight * pose.Translation.Y / pose.Translation.Z;
        _depth += weight * Math.Log(pose.Translation.Z);
        _weight += weight;
    }
}
