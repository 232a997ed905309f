namespace Img2Pose.Tracking;

/// <summary>What was known after a frame: which faces there are, where they go, and when all of the picture was last looked at.</summary>
public sealed class FollowState
{
    /// <summary>The faces worth following.</summary>
    public List<FollowedFace> Faces { get; } = new(8);

    /// <summary>Time of the frame, seconds.</summary>
    public double Time { get; set; }

    /// <summary>Scene of the frame; what is known of faces ends with it.</summary>
    public int Scene { get; set; }

    /// <summary>Width of its picture, displayed pixels; where another frame's differs, nothing can be said about that one.</summary>
    public int Width { get; set; }

    /// <summary>Height of its picture, displayed pixels.</summary>
    public int Height { get; set; }

    /// <summary>Whether the whole of that picture was looked at, planned or not.</summary>
    public bool WasWhole { get; set; }
}
