using Img2Pose.Geometry;

namespace Img2Pose.EndToEnd;

/// <summary>
/// The faces in ten evenly spread frames of <c>facenet_street_crowd.mp4</c>, marked by eye: every one of which eye, nose and
/// mouth or a profile can be seen. Half covered ones count, with the size that the whole face would have. Not counted: backs
/// of heads with a cheek showing, and a man at the right edge (frame 5) and a woman behind another's shoulder (frame 99) of
/// whom there is hair and ear.
/// </summary>
/// <param name="Index">Index of the frame.</param>
/// <param name="Large">Boxes of about 60 pixels and more on their larger side.</param>
/// <param name="Small">Boxes of 32 pixels and more.</param>
internal sealed record StreetFaces(int Index, Box[] Large, Box[] Small)
{
    /// <summary>The ten frames.</summary>
    public static readonly StreetFaces[] Frames =
    [
        new(5,
            [new(912, 618, 990, 714), new(1082, 615, 1136, 678), new(283, 633, 347, 703), new(692, 566, 774, 662), new(427, 724, 559, 860)],
            [new(874, 630, 921, 684), new(472, 620, 508, 662)]),
        new(15,
            [new(1099, 632, 1153, 695), new(714, 574, 796, 674), new(968, 658, 1050, 758), new(289, 663, 350, 733), new(804, 729, 930, 870)],
            [new(910, 645, 958, 700), new(1334, 674, 1368, 711), new(483, 633, 522, 680)]),
        new(26,
            [new(636, 574, 718, 668), new(970, 693, 1058, 794), new(264, 668, 334, 748), new(1234, 756, 1365, 905), new(1058, 652, 1131, 736)],
            [new(915, 674, 966, 730), new(1359, 696, 1395, 736)]),
        new(36,
            [new(987, 710, 1076, 808), new(237, 678, 315, 771), new(620, 626, 705, 730), new(1077, 693, 1128, 750)],
            [new(1363, 702, 1400, 742)]),
        new(47,
            [new(966, 693, 1065, 807), new(216, 684, 292, 772), new(578, 615, 669, 724), new(1121, 700, 1182, 768), new(1076, 666, 1122, 720)],
            [new(1357, 712, 1397, 758)]),
        new(57,
            [new(912, 660, 1014, 780), new(1124, 704, 1182, 770), new(196, 664, 278, 760), new(530, 597, 616, 702), new(1074, 670, 1131, 734)],
            [new(1356, 717, 1389, 754)]),
        new(68,
            [new(894, 645, 996, 768), new(1139, 695, 1203, 768), new(1060, 660, 1119, 726), new(200, 660, 278, 750), new(520, 602, 621, 724)],
            [new(1504, 687, 1546, 736), new(1346, 709, 1387, 758)]),
        new(78,
            [new(180, 646, 266, 744), new(1095, 669, 1151, 732), new(813, 642, 924, 774), new(1172, 680, 1236, 753), new(462, 612, 572, 742)],
            [new(1431, 681, 1471, 729), new(1334, 701, 1380, 754)]),
        new(89,
            [new(1156, 677, 1220, 750), new(200, 668, 284, 760), new(784, 657, 897, 790), new(412, 543, 544, 695), new(1113, 660, 1168, 723)],
            [new(1349, 675, 1387, 720)]),
        new(99,
            [new(1174, 689, 1239, 764), new(732, 669, 852, 810), new(1114, 665, 1172, 733), new(369, 552, 495, 698)],
            [new(903, 675, 952, 732), new(1289, 684, 1328, 730)]),
    ];

    /// <summary>The part of the marked faces that was found.</summary>
    /// <param name="found">Boxes of the detected faces, by frame.</param>
    /// <param name="withSmall">Count the small faces, too.</param>
    public static double Recall(IReadOnlyList<Box[]> found, bool withSmall)
    {
        int all = 0, hits = 0;
        foreach (StreetFaces frame in Frames)
        {
            foreach (Box face in withSmall ? [.. frame.Large, .. frame.Small] : frame.Large)
            {
                all++;
                // The marks come from the eye: 0.35 is a box at the right place and of the right size.
                if (found[frame.Index].Any(box => box.IntersectionOverUnion(face) > 0.35)) hits++;
            }
        }
        return hits / (double)all;
    }
}
