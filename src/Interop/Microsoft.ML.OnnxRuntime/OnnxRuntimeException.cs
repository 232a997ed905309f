namespace Microsoft.ML.OnnxRuntime;

/// <summary>An error that the native library reported.</summary>
public class OnnxRuntimeException : Exception
{
    internal OnnxRuntimeException(ErrorCode errorCode, string message) : base($"[ErrorCode:{errorCode}] {message}") { }
}
