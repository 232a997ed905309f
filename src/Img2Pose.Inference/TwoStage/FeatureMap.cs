namespace Img2Pose.Inference.TwoStage;

/// <summary>A float tensor of a batch in native memory: [Count, Channels, Height, Width], or the same with channels last.</summary>
internal readonly unsafe struct FeatureMap(float* data, int count, int channels, int height, int width)
{
    /// <summary>Most values of one picture: offsets into it are 32 bits wide.</summary>
    public const long PictureLimit = int.MaxValue;

    public float* Data { get; } = data;

    public int Count { get; } = count;

    public int Channels { get; } = channels;

    public int Height { get; } = height;

    public int Width { get; } = width;

    /// <summary>First value of a picture.</summary>
    public float* Of(int picture) => Data + (long)picture * Channels * Height * Width;
}
