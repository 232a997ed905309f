namespace Img2Pose.Geometry;

/// <summary>
/// How a picture appears in a crop of it that was brought to another size: where points lie, and which camera sees the crop. A
/// pose relative to a box says where the face is along the ray through the box's centre and how it is turned against that ray, so
/// it is the same in the picture and in the crop as long as each is seen by its own camera: the picture's, and the picture's moved
/// and scaled as the crop is.
/// </summary>
/// <param name="Left">Where the crop begins in the picture, pixels.</param>
/// <param name="Top">Where the crop begins in the picture, pixels.</param>
/// <param name="ScaleX">Pixels of the crop for a pixel of the picture, across; above 0.</param>
/// <param name="ScaleY">The same, down.</param>
public readonly record struct CropCamera(double Left, double Top, double ScaleX, double ScaleY)
{
    /// <summary>The crop of a region, resized.</summary>
    /// <param name="region">The region, in samples of the picture's planes.</param>
    /// <param name="width">Width that it is resized to.</param>
    /// <param name="height">Height that it is resized to.</param>
    /// <param name="pixelsPerColumn">Displayed pixels for a column of samples: 1 for square ones.</param>
    /// <param name="pixelsPerRow">Displayed pixels for a row of samples.</param>
    public static CropCamera Of(in PictureRegion region, int width, int height, double pixelsPerColumn = 1, double pixelsPerRow = 1) => new(
        region.Left * pixelsPerColumn, region.Top * pixelsPerRow,
        width / (region.Width * pixelsPerColumn), height / (region.Height * pixelsPerRow));

    /// <summary>
    /// The camera that sees the crop. Its one focal length is the geometric mean of both axes' where they are scaled a little
    /// differently.
    /// </summary>
    /// <param name="picture">The picture's camera.</param>
    public CameraIntrinsics Of(CameraIntrinsics picture) => new(
        picture.FocalLength * Math.Sqrt(ScaleX * ScaleY), (picture.CenterX - Left) * ScaleX, (picture.CenterY - Top) * ScaleY);

    /// <summary>
    /// The pose in the picture of a pose in the crop. Where both axes are scaled alike it is the same pose; else the face's origin
    /// projects to the same place, as in <see cref="PoseConversion.Rescale"/>.
    /// </summary>
    /// <param name="pose">Pose under <see cref="Of(CameraIntrinsics)"/>.</param>
    /// <param name="picture">The picture's camera.</param>
    public Pose ToPicture(Pose pose, CameraIntrinsics picture) => ScaleX == ScaleY
        ? pose
        : PoseConversion.Rescale(
            pose, Of(picture), picture with { CenterX = picture.CenterX - Left, CenterY = picture.CenterY - Top }, 1 / ScaleX, 1 / ScaleY);

    /// <summary>Where a box of the crop lies in the picture.</summary>
    public Box ToPicture(in Box box) =>
        new(Left + box.Left / ScaleX, Top + box.Top / ScaleY, Left + box.Right / ScaleX, Top + box.Bottom / ScaleY);

    /// <summary>Where a box of the picture lies in the crop.</summary>
    public Box ToCrop(in Box box) =>
        new((box.Left - Left) * ScaleX, (box.Top - Top) * ScaleY, (box.Right - Left) * ScaleX, (box.Bottom - Top) * ScaleY);
}
