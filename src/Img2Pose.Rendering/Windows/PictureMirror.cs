using System.Runtime.InteropServices;
using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Rendering.Windows;

/// <summary>Pictures and faces as a mirror shows them.</summary>
internal static class PictureMirror
{
    /// <summary>Copies the samples with left and right exchanged.</summary>
    /// <param name="source">A frame in host memory.</param>
    /// <param name="target">A writable one of the same format and size.</param>
    public static void Copy(VideoFrame source, VideoFrame target)
    {
        for (int i = 0; i < source.PlaneCount; i++)
        {
            FramePlane from = source.GetPlane(i), to = target.GetPlane(i);
            for (int y = 0; y < from.Height; y++)
            {
                Span<byte> row = to.Row(y);
                from.Row(y).CopyTo(row);
                switch (from.BytesPerElement)
                {
                    case 1:
                        row.Reverse();
                        break;
                    case 2:
                        MemoryMarshal.Cast<byte, ushort>(row).Reverse();
                        break;
                    default:
                        // The order of triples, then that within each.
                        row.Reverse();
                        for (int x = 0; x + 2 < row.Length; x += 3) (row[x], row[x + 2]) = (row[x + 2], row[x]);
                        break;
                }
            }
        }
    }

    /// <summary>A face where it appears in the mirrored picture: its box and pose under the same camera.</summary>
    /// <param name="face">The face.</param>
    /// <param name="width">Width of the picture in displayed pixels.</param>
    /// <param name="height">Its height.</param>
    public static TrackedFace Of(in TrackedFace face, int width, int height)
    {
        CameraIntrinsics camera = CameraIntrinsics.ForImage(width, height);
        FaceDetection found = face.Face;
        Box box = new(width - found.Box.Right, found.Box.Top, width - found.Box.Left, found.Box.Bottom);
        return face with { Face = found with { Box = box, Pose = Of(found.Pose, camera, width) }, RawPose = Of(face.RawPose, camera, width) };
    }

    private static Pose Of(Pose pose, CameraIntrinsics camera, int width)
    {
        // u' = width − u, which is x' = −x but for a principal point that does not lie in the middle of an odd width.
        double shift = (width - 2 * camera.CenterX) / camera.FocalLength;
        Vector3d r = pose.Rotation, t = pose.Translation;
        return new Pose(new Vector3d(r.X, -r.Y, -r.Z), new Vector3d(shift * t.Z - t.X, t.Y, t.Z));
    }
}
