using Img2Pose.Rendering.Views;

namespace Img2Pose.Pipeline.Views;

/// <summary>How the files of views are called.</summary>
public enum ViewNames
{
    /// <summary>A folder for each face, in it yaw+22.png, or yaw+22_pitch-10.png where there are several pitches.</summary>
    Plain,

    /// <summary>As Face-Pose-Net's: KEY/KEY_rendered_aug_-22_00_10.jpg.</summary>
    Original,

    /// <summary>One file for each face, NAME.png, of a single view.</summary>
    OneFile,
}

/// <summary>Which views are made of a face, and how they are written. Checked when it is used.</summary>
public sealed record ViewPlan
{
    /// <summary>The views' yaws: degrees, AFLW convention, −90 to 90.</summary>
    public IReadOnlyList<double> Yaws { get; init; } = [0, 22, 40, 55, 75];

    /// <summary>The views' pitches: degrees, −60 to 60.</summary>
    public IReadOnlyList<double> Pitches { get; init; } = [0];

    /// <summary>How they are drawn.</summary>
    public FaceViewOptions Drawing { get; init; } = new();

    /// <summary>How their files are called.</summary>
    public ViewNames Names { get; init; } = ViewNames.Plain;

    /// <summary>Ending of the files: .png or .jpg.</summary>
    public string Extension { get; init; } = ".png";

    /// <summary>Whether sheets that show every face beside its views are written, too.</summary>
    public bool ContactSheet { get; init; }

    /// <summary>Checks the plan.</summary>
    /// <exception cref="UsageException">A value is out of range.</exception>
    public void Validate()
    {
        if (Yaws.Count == 0 || Pitches.Count == 0) throw new UsageException("A plan of views needs at least one yaw and one pitch.");
        foreach (double yaw in Yaws)
        {
            if (!(Math.Abs(yaw) <= 90)) throw new UsageException(FormattableString.Invariant($"A view's yaw lies from -90 to 90 degrees, not {yaw}."));
        }
        foreach (double pitch in Pitches)
        {
            if (!(Math.Abs(pitch) <= 60)) throw new UsageException(FormattableString.Invariant($"A view's pitch lies from -60 to 60 degrees, not {pitch}."));
        }
        if (Extension is not (".png" or ".jpg")) throw new UsageException($"Views are written as .png or .jpg, not {Extension}.");
        if (Names == ViewNames.OneFile && Yaws.Count * Pitches.Count > 1) throw new UsageException("One file for a face holds one view; ask for one yaw and one pitch.");
        Drawing.Validate();
    }
}

/// <summary>A view that has been drawn.</summary>
/// <param name="Yaw">Its yaw, degrees.</param>
/// <param name="Pitch">Its pitch, degrees.</param>
/// <param name="Pixels">Interleaved RGB pixels of a square picture.</param>
/// <param name="Report">What it was made of; null in the original's mode, which does not tell.</param>
public sealed record DrawnView(double Yaw, double Pitch, byte[] Pixels, FaceViewReport? Report);
