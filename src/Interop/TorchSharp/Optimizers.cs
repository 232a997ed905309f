using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class optim
        {
            public interface ILearningRateController
            {
                double LearningRate { get; set; }

                double InitialLearningRate { get; set; }
            }

            public abstract class Optimizer : IDisposable
            {
                private readonly LearningRateController _rate;

                private protected Optimizer(IEnumerable<Parameter> parameters, double learningRate)
                {
                    Parameters = [.. parameters];
                    _rate = new LearningRateController { LearningRate = learningRate, InitialLearningRate = learningRate };
                }

                public virtual IEnumerable<ILearningRateController> ParamGroups => [_rate];

                private protected double Rate => _rate.LearningRate;

                private protected IReadOnlyList<Parameter> Parameters { get; }

                public virtual IEnumerable<Parameter> parameters() => Parameters;

                public virtual void zero_grad()
                {
                    foreach (Parameter parameter in Parameters)
                    {
                        using Tensor? gradient = parameter.grad;
                        gradient?.zero_();
                    }
                }

                public virtual Tensor? step(Func<Tensor>? closure = null)
                {
                    Tensor? loss = closure?.Invoke();
                    using IDisposable still = no_grad();
                    using DisposeScope scope = NewDisposeScope();
                    for (int i = 0; i < Parameters.Count; i++)
                    {
                        if (Parameters[i].grad is { } gradient) Update(i, Parameters[i], gradient);
                    }
                    return loss;
                }

                private protected abstract void Update(int index, Parameter parameter, Tensor gradient);

                public void Dispose()
                {
                    Dispose(true);
                    GC.SuppressFinalize(this);
                }

                protected virtual void Dispose(bool disposing) { }

                public class StateDictionary
                {
                    internal StateDictionary(IEnumerable<OptimizerState> states) => State = [.. states];

                    public List<OptimizerState> State { get; private set; }
                }

                private sealed class LearningRateController : ILearningRateController
                {
                    public double LearningRate { get; set; }

                    public double InitialLearningRate { get; set; }
                }
            }

            public static SGD SGD(IEnumerable<Parameter> parameters, double learningRate, double momentum = 0.0, double dampening = 0.0, double weight_decay = 0.0, bool nesterov = false, bool maximize = false) =>
                new(parameters, learningRate, momentum, dampening, weight_decay, nesterov, maximize);

            public static Adam Adam(IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new(parameters, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);

            public static AdamW AdamW(IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new(parameters, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);
        }
    }
}

namespace TorchSharp.Modules
{
    public abstract class OptimizerState
    {
        private protected OptimizerState(Parameter parameter) => ArgumentNullException.ThrowIfNull(parameter);
    }

    public abstract class OptimizerHelper : optim.Optimizer
    {
        private protected OptimizerHelper(IEnumerable<Parameter> parameters, double rate, bool unsupported) : base(parameters, rate)
        {
            if (unsupported) throw new NotSupportedException("This subset neither maximises nor keeps the largest second moment.");
        }

        private protected abstract IEnumerable<OptimizerState> States { get; }

        public virtual StateDictionary state_dict() => new(States);

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            if (!disposing) return;
            foreach (IDisposable state in States.Cast<IDisposable>()) state.Dispose();
        }
    }

    public class SGD : OptimizerHelper
    {
        private readonly double _momentum, _dampening, _weightDecay;
        private readonly bool _nesterov;
        private readonly State[] _states;

        public SGD(IEnumerable<Parameter> parameters, double lr, double momentum = 0.0, double dampening = 0.0, double weight_decay = 0.0, bool nesterov = false, bool maximize = false)
            : base(parameters, lr, maximize)
        {
            (_momentum, _dampening, _weightDecay, _nesterov) = (momentum, dampening, weight_decay, nesterov);
            _states = [.. Parameters.Select(parameter => new State(parameter))];
        }

        private protected override IEnumerable<OptimizerState> States => _states;

        private protected override void Update(int index, Parameter parameter, Tensor gradient)
        {
            if (_weightDecay != 0) gradient = gradient + parameter * _weightDecay;
            if (_momentum != 0)
            {
                State state = _states[index];
                if (state.momentum_buffer is { } velocity) velocity.mul_(_momentum).add_(gradient, 1 - _dampening);
                else state.momentum_buffer = velocity = gradient.clone().DetachFromDisposeScope();
                gradient = _nesterov ? gradient + velocity * _momentum : velocity;
            }
            parameter.add_(gradient, -Rate);
        }

        public sealed class State : OptimizerState, IDisposable
        {
            public Tensor? momentum_buffer;

            public State(Parameter parameter) : base(parameter) { }

            public void Dispose()
            {
                momentum_buffer?.Dispose();
                GC.SuppressFinalize(this);
            }
        }
    }

    public class Adam : OptimizerHelper
    {
        private readonly AdamSettings _settings;
        private readonly State[] _states;

        public Adam(IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
            : base(parameters, lr, amsgrad || maximize)
        {
            _settings = new AdamSettings(beta1, beta2, eps, weight_decay);
            _states = [.. Parameters.Select(parameter => new State(parameter))];
        }

        private protected override IEnumerable<OptimizerState> States => _states;

        private protected override void Update(int index, Parameter parameter, Tensor gradient)
        {
            if (_settings.WeightDecay != 0) gradient = gradient + parameter * _settings.WeightDecay;
            State state = _states[index];
            _settings.Update(parameter, gradient, state.exp_avg, state.exp_avg_sq, ++state.step, Rate);
        }

        public sealed class State : OptimizerState, IDisposable
        {
            public long step;
            public Tensor exp_avg;
            public Tensor exp_avg_sq;

            public State(Parameter parameter) : base(parameter)
            {
                exp_avg = AdamSettings.Zeros(parameter);
                exp_avg_sq = AdamSettings.Zeros(parameter);
            }

            public void Dispose()
            {
                exp_avg.Dispose();
                exp_avg_sq.Dispose();
                GC.SuppressFinalize(this);
            }
        }
    }

    public class AdamW : OptimizerHelper
    {
        private readonly AdamSettings _settings;
        private readonly State[] _states;

        public AdamW(IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
            : base(parameters, lr, amsgrad || maximize)
        {
            _settings = new AdamSettings(beta1, beta2, eps, weight_decay);
            _states = [.. Parameters.Select(parameter => new State(parameter))];
        }

        private protected override IEnumerable<OptimizerState> States => _states;

        private protected override void Update(int index, Parameter parameter, Tensor gradient)
        {
            if (_settings.WeightDecay != 0) parameter.mul_(1 - Rate * _settings.WeightDecay);
            State state = _states[index];
            _settings.Update(parameter, gradient, state.exp_avg, state.exp_avg_sq, ++state.step, Rate);
        }

        public sealed class State : OptimizerState, IDisposable
        {
            public long step;
            public Tensor exp_avg;
            public Tensor exp_avg_sq;

            public State(Parameter parameter) : base(parameter)
            {
                exp_avg = AdamSettings.Zeros(parameter);
                exp_avg_sq = AdamSettings.Zeros(parameter);
            }

            public void Dispose()
            {
                exp_avg.Dispose();
                exp_avg_sq.Dispose();
                GC.SuppressFinalize(this);
            }
        }
    }

    /// <summary>What Adam and AdamW share (Kingma and Ba, 2015, algorithm 1).</summary>
    internal sealed record AdamSettings(double Beta1, double Beta2, double Epsilon, double WeightDecay)
    {
        internal static Tensor Zeros(Parameter parameter)
        {
            using IDisposable still = no_grad();
            return zeros(parameter.shape, parameter.dtype, parameter.device).DetachFromDisposeScope();
        }

        internal void Update(Parameter parameter, Tensor gradient, Tensor first, Tensor second, long step, double rate)
        {
            first.mul_(Beta1).add_(gradient, 1 - Beta1);
            second.mul_(Beta2).addcmul_(gradient, gradient, 1 - Beta2);
            Tensor root = (second.sqrt() / Math.Sqrt(1 - Math.Pow(Beta2, step))).add_(Epsilon);
            parameter.addcdiv_(first, root, -rate / (1 - Math.Pow(Beta1, step)));
        }
    }
}
