using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Inference;

/// <summary>A part of a picture that the network is to see as a picture of its own.</summary>
/// <param name="Frame">The picture; held by whoever asks until the run is over.</param>
/// <param name="Region">The part, in samples of its planes; it begins at even ones.</param>
/// <param name="Width">Width that it is resized to.</param>
/// <param name="Height">Height that it is resized to.</param>
/// <param name="Camera">The camera that sees the picture; null: that of a whole picture of its size.</param>
internal readonly record struct CropView(VideoFrame Frame, PictureRegion Region, int Width, int Height, CameraIntrinsics? Camera = null)
{
    /// <summary>A part whose longer side is resized to <paramref name="side"/>.</summary>
    public static CropView Within(VideoFrame frame, in PictureRegion region, int side)
    {
        int longest = Math.Max(region.Width, region.Height);
        return new CropView(
            frame, region,
            Math.Max(1, (region.Width * side + longest / 2) / longest), Math.Max(1, (region.Height * side + longest / 2) / longest));
    }
}

/// <summary>A face that was found in a crop.</summary>
/// <param name="Crop">Which crop of the run.</param>
/// <param name="Face">The face, in displayed pixels under the camera of the whole picture.</param>
/// <param name="IsCut">Whether it reaches beyond the crop where the picture goes on: its pose comes from a part of it.</param>
internal readonly record struct CropFace(int Crop, FaceDetection Face, bool IsCut);
