namespace Img2Pose.Geometry;

/// <summary>A face as the network sees it in one picture.</summary>
/// <param name="Box">Face box in pixels of the displayed picture, clipped to it.</param>
/// <param name="Score">Confidence; in [0, 1] unless several scales voted.</param>
/// <param name="Pose">Pose under <see cref="CameraIntrinsics.ForImage"/> of the displayed picture.</param>
public readonly record struct FaceDetection(Box Box, double Score, Pose Pose);

/// <summary>A face with an identity over time, as the tracker hands it on to drawing and writing.</summary>
/// <param name="Id">Identity, positive, never reused in one run; 0 where tracking is off.</param>
/// <param name="Face">Pose, box and score after smoothing: one consistent set.</param>
/// <param name="RawPose">The pose before smoothing.</param>
/// <param name="Detected">False where the tracker coasted or interpolated.</param>
public readonly record struct TrackedFace(int Id, FaceDetection Face, Pose RawPose, bool Detected)
{
    /// <summary>Whether the pose, in all or but for its place, lies between those that looks at frames before and after this one gave.</summary>
    public bool IsInterpolated { get; init; }

    /// <summary>Whether looks found the face: in this frame, or in frames before and after it.</summary>
    public bool IsFound => Detected || IsInterpolated;

    /// <summary>
    /// Whether a look at this frame showed where the face is and not how it is turned, so that its rotation is one of before, carried on
    /// (<see cref="CropKind.Close"/>).
    /// </summary>
    public bool HasCarriedTurn { get; init; }
}
