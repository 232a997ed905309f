using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Img2Pose.Training.Networks;

/// <summary>Layers whose weights stay float32 and that compute in the type of their input, bfloat16 for instance.</summary>
internal static class MixedPrecision
{
    /// <summary>A convolution without holes that pads by half of its kernel, as all of this project do.</summary>
    internal static Tensor Convolve(Tensor input, Conv2d convolution, int stride) => Convolve(input, convolution.weight, convolution.bias, stride);

    /// <summary>
    /// A convolution without bias, and of each output channel scale · value + shift: what a batch norm with fixed statistics does to it.
    /// It is done to the weights, so that no pass over the feature map is needed, forwards or backwards; gradients reach weights, scale and shift.
    /// </summary>
    internal static Tensor Convolve(Tensor input, Conv2d convolution, int stride, Tensor scale, Tensor shift) =>
        Convolve(input, convolution.weight * scale.reshape(-1, 1, 1, 1), shift, stride);

    private static Tensor Convolve(Tensor input, Tensor weight, Tensor? bias, int stride)
    {
        ScalarType type = input.dtype;
        long padding = weight.shape[2] / 2;
        if (weight.dtype != type) weight = weight.to(type);
        if (bias is { } shift && shift.dtype != type) bias = shift.to(type);
        return nn.functional.conv2d(input, weight, bias, [stride], [padding]);
    }
}
