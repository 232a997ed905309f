using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Img2Pose.Training.Networks;

/// <summary>Layers whose weights stay float32 and that compute in the type of their input, bfloat16 for instance.</summary>
internal static class MixedPrecision
{
    /// <summary>A convolution without holes that pads by half of its kernel, as all of this project do.</summary>
    internal static Tensor Convolve(Tensor input, Conv2d convolution, int stride)
    {
        ScalarType type = input.dtype;
        Tensor weight = type == convolution.weight.dtype ? convolution.weight : convolution.weight.to(type);
        Tensor? bias = convolution.bias is { } shift && shift.dtype != type ? shift.to(type) : convolution.bias;
        return nn.functional.conv2d(input, weight, bias, [stride], [convolution.weight.shape[2] / 2]);
    }
}
