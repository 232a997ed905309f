using static TorchSharp.NativeMethods;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public enum Reduction : long
        {
            None = 0,
            Mean = 1,
            Sum = 2,
        }

        public static partial class functional
        {
            public static Tensor conv2d(Tensor input, Tensor weight, Tensor? bias = null, long[]? strides = null, long[]? padding = null, long[]? dilation = null, long groups = 1)
            {
                Check(i2p_conv2d(input.Native, weight.Native, Pointer(bias), Both(strides, 1), Both(padding, 0), Both(dilation, 1), groups, out TensorHandle result));
                GC.KeepAlive(bias);
                return new Tensor(result);
            }

            public static Tensor linear(Tensor input, Tensor weights, Tensor? bias = null)
            {
                Check(i2p_linear(input.Native, weights.Native, Pointer(bias), out TensorHandle result));
                GC.KeepAlive(bias);
                return new Tensor(result);
            }

            public static Tensor batch_norm(Tensor input, Tensor running_mean, Tensor running_var, Tensor? weight = null, Tensor? bias = null, bool training = false, double momentum = 0.1, double eps = 1e-05)
            {
                Check(i2p_batch_norm(input.Native, running_mean.Handle, running_var.Handle, Pointer(weight), Pointer(bias),
                    training ? 1 : 0, momentum, eps, out TensorHandle result));
                GC.KeepAlive((running_mean, running_var, weight, bias));
                return new Tensor(result);
            }

            public static Tensor max_pool2d(Tensor input, long[] kernel_size, long[]? strides = null, long[]? padding = null, long[]? dilation = null, bool ceil_mode = false)
            {
                if (ceil_mode || Both(dilation, 1) != 1) throw new NotSupportedException("This subset pools without holes and rounds down.");
                long side = Both(kernel_size, 1);
                Check(i2p_max_pool2d(input.Native, side, Both(strides, side), Both(padding, 0), out TensorHandle result));
                return new Tensor(result);
            }

            public static Tensor upsample_nearest2d(Tensor input, long[]? outputSizes = null, double[]? scaleFactors = null)
            {
                if (outputSizes is not [long height, long width] || scaleFactors is not null) throw new NotSupportedException("This subset takes the wanted size.");
                Check(i2p_upsample_nearest2d(input.Native, height, width, out TensorHandle result));
                return new Tensor(result);
            }

            public static Tensor binary_cross_entropy_with_logits(Tensor input, Tensor target, Tensor? weight = null, Reduction reduction = Reduction.Mean, Tensor? pos_weights = null)
            {
                if (pos_weights is not null) throw new NotSupportedException("This subset weights elements, not classes.");
                Check(i2p_bce_with_logits(input.Native, target.Native, Pointer(weight), (int)reduction, out TensorHandle result));
                GC.KeepAlive(weight);
                return new Tensor(result);
            }

            public static Tensor smooth_l1_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean, double beta = 1)
            {
                Check(i2p_smooth_l1(input.Native, target.Native, (int)reduction, beta, out TensorHandle result));
                return new Tensor(result);
            }

            public static Tensor l1_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean)
            {
                Check(i2p_l1(input.Native, target.Native, (int)reduction, out TensorHandle result));
                return new Tensor(result);
            }

            public static Tensor mse_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean)
            {
                Check(i2p_mse(input.Native, target.Native, (int)reduction, out TensorHandle result));
                return new Tensor(result);
            }

            public static Tensor cross_entropy(Tensor input, Tensor target, Tensor? weight = null, long ignore_index = -100, Reduction reduction = Reduction.Mean, double label_smoothing = 0.0)
            {
                if (weight is not null || ignore_index != -100 || label_smoothing != 0) throw new NotSupportedException("This subset weights all classes alike.");
                Check(i2p_cross_entropy(input.Native, target.Native, (int)reduction, out TensorHandle result));
                return new Tensor(result);
            }

            private static long Both(long[]? sides, long absent) => sides switch
            {
                null => absent,
                [long side] => side,
                [long rows, long columns] when rows == columns => rows,
                _ => throw new NotSupportedException("This subset convolves alike along both dimensions."),
            };

            private static IntPtr Pointer(Tensor? tensor) => tensor?.Handle ?? IntPtr.Zero;
        }

        public static partial class utils
        {
            /// <summary>Scales all gradients so that their joint norm is at most <paramref name="max_norm"/>; returns the norm before.</summary>
            public static double clip_grad_norm_(IEnumerable<Modules.Parameter> tensors, double max_norm, double norm_type = 2)
            {
                if (norm_type != 2) throw new NotSupportedException("This subset clips by the Euclidean norm.");
                using IDisposable still = no_grad();
                using DisposeScope scope = NewDisposeScope();
                List<Tensor> gradients = [];
                foreach (Modules.Parameter parameter in tensors)
                {
                    if (parameter.grad is { } gradient) gradients.Add(gradient);
                }
                if (gradients.Count == 0) return 0;
                double total = stack(gradients.Select(gradient => gradient.norm())).norm().to(ScalarType.Float64).item<double>();
                double factor = max_norm / (total + 1e-6);
                if (factor < 1)
                {
                    foreach (Tensor gradient in gradients) gradient.mul_(factor);
                }
                return total;
            }
        }
    }
}
