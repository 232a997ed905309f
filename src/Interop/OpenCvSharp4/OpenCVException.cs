namespace OpenCvSharp;

public class OpenCVException : Exception
{
    public OpenCVException()
    {
    }

    public OpenCVException(string message) : base(message)
    {
    }

    public OpenCVException(string message, Exception innerException) : base(message, innerException)
    {
    }
}
