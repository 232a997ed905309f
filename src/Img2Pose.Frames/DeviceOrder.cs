namespace Img2Pose.Frames;

/// <summary>
/// Orders work on a frame in a device's memory: who reads it waits, on the device, for who fills it, and its owner for who reads it.
/// Made by the owner of such frames; each engine knows its own kind (<c>Img2Pose.Cuda.CudaOrder</c>).
/// </summary>
public abstract class DeviceOrder;
