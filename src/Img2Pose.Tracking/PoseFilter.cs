using Img2Pose.Geometry;

namespace Img2Pose.Tracking;

/// <summary>
/// The pose of one face over time: its last measurement, its velocity, and its One-Euro-smoothed value. Rotations live on
/// their manifold; translations as direction (x/z, y/z) and log z, in which noise and motion do not depend on how far away
/// the face is.
/// </summary>
internal struct PoseFilter
{
    /// <summary>Width of the reference face, in its units: turns directions into face widths.</summary>
    private const double FaceWidth = 1.5;

    /// <summary>A prediction's velocity decays with this time constant, seconds: motion seldom goes on for longer.</summary>
    private const double VelocityDecay = 0.5;

    private Coordinates _measured;
    private Coordinates _smoothed;

    /// <summary>Velocity of direction and log distance, per second, and of rotation in the face's own axes.</summary>
    private Vector3d _velocity;
    private Vector3d _angularVelocity;
    private int _measurements;

    /// <summary>The smoothed pose at the last measurement.</summary>
    public readonly Pose Smoothed => _smoothed.ToPose();

    /// <summary>Starts anew at a pose in front of the camera.</summary>
    public void Reset(Pose pose)
    {
        _measured = _smoothed = Coordinates.Of(pose);
        _velocity = _angularVelocity = Vector3d.Zero;
        _measurements = 1;
    }

    /// <summary>Takes in the next measurement.</summary>
    /// <param name="pose">In front of the camera.</param>
    /// <param name="elapsed">Seconds since the last one, positive.</param>
    /// <param name="options">Strengths of the smoothing.</param>
    public void Update(Pose pose, double elapsed, TrackerOptions options)
    {
        Coordinates next = Coordinates.Of(pose);
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

        double widthsPerUnit = Math.Exp(next.Place.Z) / FaceWidth;
        double placeSpeed = widthsPerUnit * Math.Sqrt(_velocity.X * _velocity.X + _velocity.Y * _velocity.Y);
        placeWeight = options.Direction.MeasurementWeight(placeSpeed, elapsed);
        depthWeight = options.Distance.MeasurementWeight(Math.Abs(_velocity.Z), elapsed);
        turnWeight = options.Rotation.MeasurementWeight(_angularVelocity.Length, elapsed);
        Vector3d change = next.Place - _smoothed.Place;
        _smoothed = new Coordinates(
            RotationVector.Interpolate(_smoothed.Rotation, next.Rotation, turnWeight),
            _smoothed.Place + new Vector3d(placeWeight * change.X, placeWeight * change.Y, depthWeight * change.Z));
        _measured = next;
    }

    /// <summary>Where the next measurement is expected, some seconds after the last.</summary>
    public readonly Pose PredictMeasurement(double elapsed) => Advance(_measured, elapsed);

    /// <summary>The smoothed pose carried on, some seconds after the last measurement.</summary>
    public readonly Pose PredictSmoothed(double elapsed) => Advance(_smoothed, elapsed);

    private readonly Pose Advance(in Coordinates from, double elapsed)
    {
        double travel = VelocityDecay * (1 - Math.Exp(-Math.Max(0, elapsed) / VelocityDecay));
        return new Coordinates(
            RotationVector.Compose(from.Rotation, travel * _angularVelocity), from.Place + travel * _velocity).ToPose();
    }

    /// <summary>A pose as rotation vector and (x/z, y/z, log z).</summary>
    private readonly record struct Coordinates(Vector3d Rotation, Vector3d Place)
    {
        public static Coordinates Of(Pose pose) => new(
            pose.Rotation,
            new Vector3d(pose.Translation.X / pose.Translation.Z, pose.Translation.Y / pose.Translation.Z, Math.Log(pose.Translation.Z)));

        public Pose ToPose()
        {
            double z = Math.Exp(Place.Z);
            return new Pose(Rotation, new Vector3d(Place.X * z, Place.Y * z, z));
        }
    }
}
