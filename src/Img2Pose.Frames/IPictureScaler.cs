namespace Img2Pose.Frames;

/// <summary>
/// Scales pictures into the pixels of a screen: for whoever shows frames and knows nothing of what makes them. Used by one thread
/// at a time; a call in steady state allocates nothing.
/// </summary>
public interface IPictureScaler : IDisposable
{
    /// <summary>Writes a picture as B, G, R and an unused byte a pixel, scaled to the size asked for.</summary>
    /// <param name="frame">A frame in host memory, of any format; only read.</param>
    /// <param name="pixels">Where the first pixel goes.</param>
    /// <param name="stride">Bytes from one row to the next.</param>
    /// <param name="width">Width to scale to, pixels.</param>
    /// <param name="height">Height to scale to, pixels.</param>
    void Scale(VideoFrame frame, nint pixels, int stride, int width, int height);
}
