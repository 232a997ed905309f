using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    public enum PaddingModes
    {
        Zeros = 0,
        Reflect = 1,
        Replicate = 2,
        Circular = 3,
        Constant = 4,
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static Conv2d Conv2d(long in_channels, long out_channels, long kernel_size, long stride = 1, long padding = 0, long dilation = 1, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device? device = null, ScalarType? dtype = null) =>
                padding_mode != PaddingModes.Zeros ? throw new NotSupportedException("This subset pads with zeros.")
                : At(new Conv2d(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias), device, dtype);

            public static Linear Linear(long inputSize, long outputSize, bool hasBias = true, Device? device = null, ScalarType? dtype = null) =>
                At(new Linear(inputSize, outputSize, hasBias), device, dtype);

            public static BatchNorm2d BatchNorm2d(long num_features, double eps = 1e-05, double momentum = 0.1, bool affine = true, bool track_running_stats = true, Device? device = null, ScalarType? dtype = null) =>
                affine && track_running_stats ? At(new BatchNorm2d(num_features, eps, momentum), device, dtype) : throw new NotSupportedException("This subset learns and tracks.");

            public static BatchNorm1d BatchNorm1d(long num_features, double eps = 1e-05, double momentum = 0.1, bool affine = true, bool track_running_stats = true, Device? device = null, ScalarType? dtype = null) =>
                affine && track_running_stats ? At(new BatchNorm1d(num_features, eps, momentum), device, dtype) : throw new NotSupportedException("This subset learns and tracks.");

            private static T At<T>(T module, Device? device, ScalarType? dtype) where T : Module
            {
                if (dtype is not (null or ScalarType.Float32)) throw new NotSupportedException("This subset's layers are float32.");
                return device is null ? module : module.to(device);
            }

            public static Sequential Sequential(params (string name, Module<Tensor, Tensor> submodule)[] modules) => new(modules);
        }
    }
}

namespace TorchSharp.Modules
{
    public class Parameter : Tensor
    {
        public Parameter(Tensor data, bool requires_grad = true) : base(data)
        {
            DetachFromDisposeScope();
            this.requires_grad = requires_grad;
        }
    }

    public abstract class Convolution : nn.Module<Tensor, Tensor>
    {
        private protected Convolution(string name, long inChannels, long outChannels, long kernel, long groups, bool hasBias) : base(name)
        {
            long fanIn = inChannels / groups * kernel * kernel;
            weight = Initialised.Uniform([outChannels, inChannels / groups, kernel, kernel], fanIn);
            register_parameter(nameof(weight), weight);
            if (!hasBias) return;
            bias = Initialised.Uniform([outChannels], fanIn);
            register_parameter(nameof(bias), bias);
        }

        public Parameter weight { get; }

        public Parameter? bias { get; }
    }

    public sealed class Conv2d : Convolution
    {
        private readonly long _stride, _padding, _dilation, _groups;

        internal Conv2d(long inChannels, long outChannels, long kernel, long stride, long padding, long dilation, long groups, bool hasBias)
            : base(nameof(Conv2d), inChannels, outChannels, kernel, groups, hasBias) =>
            (_stride, _padding, _dilation, _groups) = (stride, padding, dilation, groups);

        public override Tensor forward(Tensor input) =>
            nn.functional.conv2d(input, weight, bias, [_stride], [_padding], [_dilation], _groups);
    }

    public sealed class Linear : nn.Module<Tensor, Tensor>
    {
        internal Linear(long inputSize, long outputSize, bool hasBias) : base(nameof(Linear))
        {
            weight = Initialised.Uniform([outputSize, inputSize], inputSize);
            register_parameter(nameof(weight), weight);
            if (!hasBias) return;
            bias = Initialised.Uniform([outputSize], inputSize);
            register_parameter(nameof(bias), bias);
        }

        public Parameter weight { get; }

        public Parameter? bias { get; }

        public override Tensor forward(Tensor tensor) => nn.functional.linear(tensor, weight, bias);
    }

    public abstract class NormBase : nn.Module<Tensor, Tensor>
    {
        private protected NormBase(string name, long features) : base(name)
        {
            weight = new Parameter(ones([features]));
            bias = new Parameter(zeros([features]));
            running_mean = zeros([features]);
            running_var = ones([features]);
            num_batches_tracked = zeros([], int64);
            register_parameter(nameof(weight), weight);
            register_parameter(nameof(bias), bias);
            register_buffer(nameof(running_mean), running_mean);
            register_buffer(nameof(running_var), running_var);
            register_buffer(nameof(num_batches_tracked), num_batches_tracked);
        }

        public Parameter weight { get; }

        public Parameter bias { get; }

        public Tensor running_mean { get; }

        public Tensor running_var { get; }

        public Tensor num_batches_tracked { get; }
    }

    public abstract class BatchNorm : NormBase
    {
        private readonly double _eps, _momentum;

        private protected BatchNorm(string name, long features, double eps, double momentum) : base(name, features) =>
            (_eps, _momentum) = (eps, momentum);

        public override Tensor forward(Tensor input)
        {
            if (training) num_batches_tracked.add_(1);
            return nn.functional.batch_norm(input, running_mean, running_var, weight, bias, training, _momentum, _eps);
        }
    }

    public sealed class BatchNorm2d : BatchNorm
    {
        internal BatchNorm2d(long features, double eps, double momentum) : base(nameof(BatchNorm2d), features, eps, momentum) { }
    }

    public sealed class BatchNorm1d : BatchNorm
    {
        internal BatchNorm1d(long features, double eps, double momentum) : base(nameof(BatchNorm1d), features, eps, momentum) { }
    }

    public class Sequential : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor>[] _modules;

        internal Sequential((string Name, nn.Module<Tensor, Tensor> Module)[] modules) : base(nameof(Sequential))
        {
            _modules = [.. modules.Select(pair => pair.Module)];
            foreach ((string name, nn.Module<Tensor, Tensor> module) in modules) register_module(name, module);
        }

        public override Tensor forward(Tensor tensor)
        {
            foreach (nn.Module<Tensor, Tensor> module in _modules) tensor = module.call(tensor);
            return tensor;
        }
    }

    /// <summary>PyTorch's default start: uniform within ±1/√fan-in, for weights (Kaiming with a = √5) and biases alike.</summary>
    internal static class Initialised
    {
        internal static Parameter Uniform(ReadOnlySpan<long> shape, long fanIn)
        {
            double bound = 1 / Math.Sqrt(fanIn);
            using Tensor start = empty(shape);
            return new Parameter(start.uniform_(-bound, bound));
        }
    }
}
