namespace Img2Pose.Inference;

/// <summary>A network gave something that its contract does not allow; the caller adds which model it is.</summary>
internal sealed class NetworkOutputException(string message) : Exception(message);
