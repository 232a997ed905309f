using Img2Pose.Geometry;

namespace Img2Pose.Tracking;

/// <summary>
/// The pose of one face over time: its last measurement, its velocity, and its One-Euro-smoothed value. Rotations live on
/// their manifold; translations are directions and log distances (<see cref="PoseCoordinates"/>).
/// </summary>
internal struct PoseFilter
{
    /// <summary>A prediction's velocity decays with this time constant, seconds: motion seldom goes on for longer.</summary>
    private const double VelocityDecay = 0.5;

    private PoseCoordinates _measured;
    private PoseCoordinates _smoothed;

    /// <summary>Velocity of direction and log distance, per second, and of rotation in the face's own axes.</summary>
    private Vector3d _velocity;
    private Vector3d _angularVelocity;
    private int _measurements;

    /// <summary>The smoothed pose at the last measurement.</summary>
    public readonly Pose Smoothed => _smoothed.ToPose();

    /// <summary>Starts anew at a pose in front of the camera.</summary>
    public void Reset(Pose pose)
    {
        _measured = _smoothed = PoseCoordinates.Of(pose);
        _velocity = _angularVelocity = Vector3d.Zero;
        _measurements = 1;
    }

    /// <summary>Takes in the next measurement.</summary>
    /// <param name="pose">In front of the camera.</param>
    /// <param name="elapsed">Seconds since the last one, positive.</param>
    /// <param name="options">Strengths of the smoothing.</param>
    public void Update(Pose pose, double elapsed, TrackerOptions options)
    {
        PoseCoordinates next = PoseCoordinates.Of(pose);
        Vector3d velocity = (next.Place - _measured.Place) / elapsed;
        Vector3d angularVelocity = RotationVector.Compose(-_measured.Rotation, next.Rotation) / elapsed;
        _measurements++;
        // The first differences count more, or a face that enters in motion would be predicted to stand still.
        double firstWeight = 1.0 / _measurements;
        double placeWeight = Math.Max(firstWeight, options.Direction.DerivativeWeight(elapsed));
        double depthWeight = Math.Max(firstWeight, options.Distance.DerivativeWeight(elapsed));
        double turnWeight = Math.Max(firstWeight, options.Rotation.DerivativeWeight(elapsed));
        _velocity += new Vector3d(
            placeWeight * (velocity.X - _velocity.X),
            placeWeight * (velocity.Y - _velocity.Y),
            depthWeight * (velocity.Z - _velocity.Z));
        _angularVelocity += turnWeight * (angularVelocity - _angularVelocity);

        double placeSpeed = next.WidthsPerUnit * Math.Sqrt(_velocity.X * _velocity.X + _velocity.Y * _velocity.Y);
        placeWeight = options.Direction.MeasurementWeight(placeSpeed, elapsed);
        depthWeight = options.Distance.MeasurementWeight(Math.Abs(_velocity.Z), elapsed);
        turnWeight = options.Rotation.MeasurementWeight(_angularVelocity.Length, elapsed);
        Vector3d change = next.Place - _smoothed.Place;
        _smoothed = new PoseCoordinates(
            RotationVector.Interpolate(_smoothed.Rotation, next.Rotation, turnWeight),
            _smoothed.Place + new Vector3d(placeWeight * change.X, placeWeight * change.Y, depthWeight * change.Z));
        _measured = next;
    }

    /// <summary>Where the next measurement is expected, some seconds after the last.</summary>
    public readonly Pose PredictMeasurement(double elapsed) => Advance(_measured, elapsed);

    /// <summary>The smoothed pose carried on, some seconds after the last measurement.</summary>
    public readonly Pose PredictSmoothed(double elapsed) => Advance(_smoothed, elapsed);

    private readonly Pose Advance(in PoseCoordinates from, double elapsed)
    {
        double travel = VelocityDecay * (1 - Math.Exp(-Math.Max(0, elapsed) / VelocityDecay));
        return new PoseCoordinates(
            RotationVector.Compose(from.Rotation, travel * _angularVelocity), from.Place + travel * _velocity).ToPose();
    }
}
