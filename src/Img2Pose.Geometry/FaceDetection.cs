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
public readonly record struct TrackedFace(int Id, FaceDetection Face, Pose RawPose, bool Detected);
