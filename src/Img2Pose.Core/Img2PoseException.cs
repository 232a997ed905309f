namespace Img2Pose;

/// <summary>
/// The base of every error that this library reports. The message is one line: what was wrong, with which file or
/// stream, and what to do about it.
/// </summary>
public class Img2PoseException : Exception
{
    /// <summary>Creates the error with its one-line message.</summary>
    public Img2PoseException(string message) : base(message) { }

    /// <summary>Creates the error with its one-line message and its cause.</summary>
    public Img2PoseException(string message, Exception? innerException) : base(message, innerException) { }
}

/// <summary>An input that cannot be opened or read (exit code 3).</summary>
public sealed class InputException : Img2PoseException
{
    /// <summary>Creates the error with its one-line message.</summary>
    public InputException(string message) : base(message) { }

    /// <summary>Creates the error with its one-line message and its cause.</summary>
    public InputException(string message, Exception? innerException) : base(message, innerException) { }
}

/// <summary>A model, device or native-library problem (exit code 4).</summary>
public sealed class ModelException : Img2PoseException
{
    /// <summary>Creates the error with its one-line message.</summary>
    public ModelException(string message) : base(message) { }

    /// <summary>Creates the error with its one-line message and its cause.</summary>
    public ModelException(string message, Exception? innerException) : base(message, innerException) { }
}

/// <summary>An output that cannot be created or written (exit code 1).</summary>
public sealed class OutputException : Img2PoseException
{
    /// <summary>Creates the error with its one-line message.</summary>
    public OutputException(string message) : base(message) { }

    /// <summary>Creates the error with its one-line message and its cause.</summary>
    public OutputException(string message, Exception? innerException) : base(message, innerException) { }
}

/// <summary>Options or arguments that make no sense (exit code 2).</summary>
public sealed class UsageException : Img2PoseException
{
    /// <summary>Creates the error with its one-line message.</summary>
    public UsageException(string message) : base(message) { }

    /// <summary>Creates the error with its one-line message and its cause.</summary>
    public UsageException(string message, Exception? innerException) : base(message, innerException) { }
}
