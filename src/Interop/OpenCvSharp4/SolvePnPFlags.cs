namespace OpenCvSharp;

public enum SolvePnPFlags
{
    Iterative = 0,
    EPNP = 1,
    P3P = 2,
    DLS = 3,
    UPNP = 4,
}
