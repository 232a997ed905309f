using Img2Pose.Geometry;
using Img2Pose.Training.Augmentation;
using Img2Pose.Training.Networks;

namespace Img2Pose.Training.Losses;

/// <summary>
/// Which cells of a batch answer for which face, and with what numbers. Rows are flat cell indices: picture × cells + cell.
/// </summary>
internal sealed class CellTargets
{
    /// <summary>Numbers of a target: offset x, y over the unit; ln size; rotation (4, <see cref="CellCode"/>); has rotation; weight; face side over the unit.</summary>
    internal const int Width = 10;

    /// <summary>Part of the face box, above and below the projected origin's offset, by which the mean box is shifted towards the forehead: t'y of an upright face.</summary>
    internal const double MeanBoxShift = 0.208;

    /// <summary>Sides of faces (pixels over the unit a = 4·stride) that a level answers for; neighbours overlap so that no size sits on an edge.</summary>
    private static readonly (double From, double To)[] s_sides = [(0, 1.75), (0.625, 1.75), (0.625, 1.75), (0.625, double.PositiveInfinity)];

    private CellTargets(int batch, int cells)
    {
        ClassWeights = new float[batch * cells];
        Array.Fill(ClassWeights, 1f);
    }

    /// <summary>1 where the cell teaches "face" or "no face", 0 where it is left alone; [batch × cells].</summary>
    internal float[] ClassWeights { get; }

    /// <summary>Flat indices of the cells that answer for a face.</summary>
    internal List<long> Rows { get; } = [];

    /// <summary>Targets of those cells, <see cref="Width"/> numbers each.</summary>
    internal List<float> Values { get; } = [];

    /// <summary>Sum of the weights of those cells.</summary>
    internal double TotalWeight { get; private set; }

    /// <summary>The same over the cells with a rotation.</summary>
    internal double TotalPoseWeight { get; private set; }

    /// <summary>Assigns the faces of <paramref name="samples"/>, all of one size with sides that are multiples of 64.</summary>
    internal static CellTargets Assign(IReadOnlyList<TrainingSample> samples)
    {
        int width = samples[0].Width, height = samples[0].Height;
        int cells = CellCode.CellCount(width, height);
        CellTargets targets = new(samples.Count, cells);
        int[] owner = new int[cells];
        double[] ownerSide = new double[cells];
        for (int picture = 0; picture < samples.Count; picture++)
        {
            TrainingSample sample = samples[picture];
            Array.Fill(owner, -1);
            Array.Fill(ownerSide, double.PositiveInfinity);
            Span<float> classWeights = targets.ClassWeights.AsSpan(picture * cells, cells);
            MaskUncertain(sample, classWeights);
            MeanFace[] faces = new MeanFace[sample.Faces.Length];
            for (int i = 0; i < faces.Length; i++)
            {
                faces[i] = MeanFace.Of(sample.Faces[i], width, height);
                if (sample.Faces[i].Ignore) MaskBox(sample.Faces[i].Box, width, height, classWeights);
            }
            for (int i = 0; i < faces.Length; i++)
            {
                if (!sample.Faces[i].Ignore) Claim(faces[i], i, width, height, owner, ownerSide);
            }
            targets.Write(picture, cells, width, height, sample, faces, owner, classWeights);
        }
        return targets;
    }

    private static void Claim(in MeanFace face, int index, int width, int height, int[] owner, double[] ownerSide)
    {
        int first = 0;
        for (int level = 0; level < CellCode.Strides.Length; level++)
        {
            int stride = CellCode.Strides[level];
            int columns = width / stride, rows = height / stride;
            double relative = face.Side / (CellCode.UnitPerStride * stride);
            if (relative >= s_sides[level].From && relative < s_sides[level].To)
            {
                // Centre sampling: cells within 1.5 strides, never beyond a third of the face, always the nearest one.
                double radius = Math.Max(0.501 * stride, Math.Min(1.5 * stride, 0.34 * face.Side));
                int left = Math.Max(0, (int)Math.Ceiling((face.CenterX - radius) / stride - 0.5));
                int right = Math.Min(columns - 1, (int)Math.Floor((face.CenterX + radius) / stride - 0.5));
                int top = Math.Max(0, (int)Math.Ceiling((face.CenterY - radius) / stride - 0.5));
                int bottom = Math.Min(rows - 1, (int)Math.Floor((face.CenterY + radius) / stride - 0.5));
                for (int row = top; row <= bottom; row++)
                {
                    for (int column = left; column <= right; column++)
                    {
                        int cell = first + row * columns + column;
                        if (face.Side >= ownerSide[cell]) continue;
                        owner[cell] = index;
                        ownerSide[cell] = face.Side;
                    }
                }
            }
            first += columns * rows;
        }
    }

    private void Write(int picture, int cells, int width, int height, TrainingSample sample, MeanFace[] faces, int[] owner, Span<float> classWeights)
    {
        int cell = 0;
        foreach (int stride in CellCode.Strides)
        {
            double unit = CellCode.UnitPerStride * stride;
            for (int row = 0; row < height / stride; row++)
            {
                for (int column = 0; column < width / stride; column++, cell++)
                {
                    if (owner[cell] < 0) continue;
                    ref readonly MeanFace face = ref faces[owner[cell]];
                    TrainingFace label = sample.Faces[owner[cell]];
                    classWeights[cell] = 1;
                    Rows.Add((long)picture * cells + cell);
                    Values.Add((float)((face.OriginX - (column + 0.5) * stride) / unit));
                    Values.Add((float)((face.OriginY - (row + 0.5) * stride) / unit));
                    Values.Add((float)Math.Log(face.Side / unit));
                    Values.Add(face.Rotation.Cosine);
                    Values.Add(face.Rotation.Sine);
                    Values.Add(face.Rotation.Nod);
                    Values.Add(face.Rotation.Turn);
                    Values.Add(label.HasPose ? 1 : 0);
                    // A box without a pose locates the face only roughly (data README: such boxes scatter).
                    float weight = label.HasPose ? Math.Max(0.2f, label.Weight) : 0.3f;
                    Values.Add(weight);
                    TotalWeight += weight;
                    if (label.HasPose) TotalPoseWeight += weight;
                    Values.Add((float)(face.Side / unit));
                }
            }
        }
    }

    /// <summary>Cells whose centre lies in the box teach nothing.</summary>
    private static void MaskBox(in Box box, int width, int height, Span<float> classWeights)
    {
        int cell = 0;
        foreach (int stride in CellCode.Strides)
        {
            for (int row = 0; row < height / stride; row++)
            {
                double y = (row + 0.5) * stride;
                for (int column = 0; column < width / stride; column++, cell++)
                {
                    double x = (column + 0.5) * stride;
                    if (x >= box.Left && x < box.Right && y >= box.Top && y < box.Bottom) classWeights[cell] = 0;
                }
            }
        }
    }

    private static void MaskUncertain(TrainingSample sample, Span<float> classWeights)
    {
        if (!sample.HasUncertain) return;
        int cell = 0;
        foreach (int stride in CellCode.Strides)
        {
            for (int row = 0; row < sample.Height / stride; row++)
            {
                for (int column = 0; column < sample.Width / stride; column++, cell++)
                {
                    if (sample.IsUncertain((column + 0.5) * stride, (row + 0.5) * stride)) classWeights[cell] = 0;
                }
            }
        }
    }

    /// <summary>Where the mean face would lie for a label: projected origin, side of the mean box and its centre, relative rotation as its numbers.</summary>
    private readonly record struct MeanFace(
        double OriginX, double OriginY, double Side, double CenterX, double CenterY, (float Cosine, float Sine, float Nod, float Turn) Rotation)
    {
        internal static MeanFace Of(TrainingFace label, int width, int height)
        {
            if (label.Pose is not { } pose)
            {
                double side = 0.5 * (label.Box.Width + label.Box.Height);
                double unit = side / CellCode.MeanBoxSide;
                return new MeanFace(label.Box.CenterX, label.Box.CenterY + MeanBoxShift * unit, side, label.Box.CenterX, label.Box.CenterY, (CellCode.DirectionScale, 0, 0, 0));
            }
            CameraIntrinsics camera = CameraIntrinsics.ForImage(width, height);
            (double x, double y) = camera.Project(pose.Translation);
            double pixelsPerUnit = camera.FocalLength / pose.Translation.Z;
            double half = 0.5 * CellCode.MeanBoxSide * pixelsPerUnit;
            // The forehead lies against the face's own down axis, the second column of its rotation.
            (double centerX, double centerY) = Shifted(x, y, pixelsPerUnit, RotationVector.ToMatrix(pose.Rotation));
            Box box = new(centerX - half, centerY - half, centerX + half, centerY + half);
            Matrix3x3d relative = RotationVector.ToMatrix(PoseConversion.FullToBox(pose, camera, box).Rotation);
            return new MeanFace(x, y, 2 * half, centerX, centerY, CellCode.Encode(relative));
        }

        private static (double X, double Y) Shifted(double x, double y, double pixelsPerUnit, in Matrix3x3d rotation)
        {
            double across = Math.Max(double.Hypot(rotation.M12, rotation.M22), 1e-9), shift = MeanBoxShift * pixelsPerUnit;
            return (x - shift * rotation.M12 / across, y - shift * rotation.M22 / across);
        }
    }
}
