using Img2Pose.Formats;
using Img2Pose.Geometry;

namespace Img2Pose.Evaluation.Wider;

/// <summary>The three subsets of the WIDER FACE validation set.</summary>
public enum WiderDifficulty
{
    /// <summary>Large faces.</summary>
    Easy,

    /// <summary>Large and medium faces.</summary>
    Medium,

    /// <summary>Nearly all faces.</summary>
    Hard,
}

/// <summary>A picture of WIDER FACE.</summary>
/// <param name="Event">Its event, such as <c>0--Parade</c>: the name of its folder.</param>
/// <param name="Name">Its file name without extension.</param>
/// <param name="Faces">Its faces; right and bottom are left + width and top + height.</param>
/// <param name="Counted">By difficulty, which faces count, as indices from 0.</param>
public sealed record WiderPicture(
    string Event, string Name, IReadOnlyList<Box> Faces, IReadOnlyDictionary<WiderDifficulty, IReadOnlyList<int>> Counted);

/// <summary>The official ground truth of WIDER FACE validation: <c>wider_face_val.mat</c> and <c>wider_{easy,medium,hard}_val.mat</c>.</summary>
public static class WiderGroundTruth
{
    private static readonly (WiderDifficulty Difficulty, string File)[] s_subsets =
    [
        (WiderDifficulty.Easy, "wider_easy_val.mat"), (WiderDifficulty.Medium, "wider_medium_val.mat"), (WiderDifficulty.Hard, "wider_hard_val.mat"),
    ];

    /// <summary>Reads the four files of a folder.</summary>
    /// <exception cref="InputException">A file is absent, damaged, or does not fit the others.</exception>
    public static WiderPicture[] Load(string folder)
    {
        string path = Path.Combine(folder, "wider_face_val.mat");
        MatFile all = MatFile.Read(path);
        IReadOnlyList<MatValue> events = all.Cells("event_list").Items, files = all.Cells("file_list").Items, boxes = all.Cells("face_bbx_list").Items;
        (WiderDifficulty Difficulty, string File, MatFile Mat, IReadOnlyList<MatValue> Lists)[] subsets =
            [.. s_subsets.Select(s => (s.Difficulty, s.File, Mat: MatFile.Read(Path.Combine(folder, s.File)))).Select(s => (s.Difficulty, s.File, s.Mat, s.Mat.Cells("gt_list").Items))];
        if (files.Count != events.Count || boxes.Count != events.Count || subsets.Any(s => s.Lists.Count != events.Count))
            throw new InputException($"{path}: its lists of events, files and faces, and those of the subsets, differ in length.");

        List<WiderPicture> pictures = [];
        for (int e = 0; e < events.Count; e++)
        {
            // Both become names of folders and files.
            string eventName = PlainName.Require(all.Expect<MatText>(events[e], "event_list").Text, $"{path}, event {e + 1}");
            IReadOnlyList<MatValue> names = all.Expect<MatCells>(files[e], "file_list").Items;
            IReadOnlyList<MatValue> faces = all.Expect<MatCells>(boxes[e], "face_bbx_list").Items;
            IReadOnlyList<MatValue>[] lists = [.. subsets.Select(s => s.Mat.Expect<MatCells>(s.Lists[e], "gt_list").Items)];
            if (faces.Count != names.Count || lists.Any(list => list.Count != names.Count))
                throw new InputException($"{path}: the pictures of {eventName} and their faces differ in number.");
            for (int p = 0; p < names.Count; p++)
            {
                string name = PlainName.Require(all.Expect<MatText>(names[p], "file_list").Text, $"{path}, {eventName}, picture {p + 1}");
                Box[] pictureFaces = Boxes(all.Expect<MatNumbers>(faces[p], "face_bbx_list"), $"{path}: {eventName}/{name}");
                Dictionary<WiderDifficulty, IReadOnlyList<int>> counted = [];
                for (int s = 0; s < subsets.Length; s++)
                {
                    double[] indices = subsets[s].Mat.Expect<MatNumbers>(lists[s][p], "gt_list").Data;
                    if (Array.Exists(indices, i => !(i >= 1 && i <= pictureFaces.Length)))
                        throw new InputException($"{Path.Combine(folder, subsets[s].File)}: {eventName}/{name}: an index is not that of one of its {pictureFaces.Length} faces.");
                    counted[subsets[s].Difficulty] = [.. indices.Select(i => (int)i - 1)];
                }
                pictures.Add(new WiderPicture(eventName, name, pictureFaces, counted));
            }
        }
        return [.. pictures];
    }

    private static Box[] Boxes(MatNumbers numbers, string what)
    {
        if (numbers.Data.Length == 0) return [];
        if (numbers.Dimensions is not [_, 4]) throw new InputException($"{what}: the faces are not rows of x, y, width, height.");
        return [.. Enumerable.Range(0, numbers.Dimensions[0]).Select(i =>
            new Box(numbers[i, 0], numbers[i, 1], numbers[i, 0] + numbers[i, 2], numbers[i, 1] + numbers[i, 3]))];
    }
}
