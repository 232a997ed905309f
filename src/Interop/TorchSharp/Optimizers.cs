using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class optim
        {
            public abstract class Optimizer : IDisposable
            {
                private protected Optimizer(IEnumerable<Parameter> parameters, double learningRate)
                {
                    Parameters = [.. parameters];
                    ParamGroups = [new ParamGroup { LearningRate = learningRate }];
                }

                public IReadOnlyList<ParamGroup> ParamGroups { get; }

                private protected IReadOnlyList<Parameter> Parameters { get; }

                public virtual void zero_grad(bool set_to_none = true)
                {
                    foreach (Parameter parameter in Parameters)
                    {
                        if (set_to_none)
                        {
                            parameter.grad = null;
                            continue;
                        }
                        using Tensor? gradient = parameter.grad;
                        gradient?.zero_();
                    }
                }

                public abstract void step();

                public virtual StateDictionary state_dict() => new([]);

                public void Dispose()
                {
                    Dispose(true);
                    GC.SuppressFinalize(this);
                }

                protected virtual void Dispose(bool disposing) { }
            }

            public sealed class StateDictionary
            {
                internal StateDictionary(IReadOnlyList<OptimizerState> state) => State = state;

                public IReadOnlyList<OptimizerState> State { get; }
            }

            public sealed class ParamGroup
            {
                public double LearningRate { get; set; }
            }

            public static SGD SGD(IEnumerable<Parameter> parameters, double learningRate, double momentum = 0.0, double dampening = 0.0, double weight_decay = 0.0, bool nesterov = false) =>
                new(parameters, learningRate, momentum, dampening, weight_decay, nesterov);

            public static Adam Adam(IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0) =>
                new(parameters, lr, beta1, beta2, eps, weight_decay);

            public static AdamW AdamW(IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 1e-2) =>
                new(parameters, lr, beta1, beta2, eps, weight_decay);
        }
    }
}

namespace TorchSharp.Modules
{
    public sealed class SGD : optim.Optimizer
    {
        private readonly double _momentum, _dampening, _weightDecay;
        private readonly bool _nesterov;
        private readonly Tensor?[] _velocity;

        internal SGD(IEnumerable<Parameter> parameters, double learningRate, double momentum, double dampening, double weightDecay, bool nesterov)
            : base(parameters, learningRate)
        {
            (_momentum, _dampening, _weightDecay, _nesterov) = (momentum, dampening, weightDecay, nesterov);
            _velocity = new Tensor?[Parameters.Count];
        }

        public override void step()
        {
            using IDisposable still = no_grad();
            using DisposeScope scope = NewDisposeScope();
            double rate = ParamGroups[0].LearningRate;
            for (int i = 0; i < Parameters.Count; i++)
            {
                Parameter parameter = Parameters[i];
                if (parameter.grad is not { } gradient) continue;
                if (_weightDecay != 0) gradient = gradient + parameter * _weightDecay;
                if (_momentum != 0)
                {
                    if (_velocity[i] is not { } velocity)
                        _velocity[i] = velocity = gradient.clone().DetachFromDisposeScope();
                    else
                        velocity.mul_(_momentum).add_(gradient, 1 - _dampening);
                    gradient = _nesterov ? gradient + velocity * _momentum : velocity;
                }
                parameter.add_(gradient, -rate);
            }
        }

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            if (!disposing) return;
            foreach (Tensor? velocity in _velocity) velocity?.Dispose();
        }
    }

    public abstract class OptimizerState
    {
        private protected OptimizerState() { }
    }

    public sealed class Adam : optim.Optimizer
    {
        private readonly AdamUpdate _update;

        internal Adam(IEnumerable<Parameter> parameters, double rate, double beta1, double beta2, double eps, double weightDecay)
            : base(parameters, rate) =>
            _update = new AdamUpdate(Parameters, beta1, beta2, eps, weightDecay, decoupled: false, () => new State());

        public override void step() => _update.Step(Parameters, ParamGroups[0].LearningRate);

        public override optim.StateDictionary state_dict() => new(_update.States);

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            if (disposing) _update.Dispose();
        }

        public sealed class State : AdamState;
    }

    public sealed class AdamW : optim.Optimizer
    {
        private readonly AdamUpdate _update;

        internal AdamW(IEnumerable<Parameter> parameters, double rate, double beta1, double beta2, double eps, double weightDecay)
            : base(parameters, rate) =>
            _update = new AdamUpdate(Parameters, beta1, beta2, eps, weightDecay, decoupled: true, () => new State());

        public override void step() => _update.Step(Parameters, ParamGroups[0].LearningRate);

        public override optim.StateDictionary state_dict() => new(_update.States);

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            if (disposing) _update.Dispose();
        }

        public sealed class State : AdamState;
    }

    /// <summary>What Adam keeps of one parameter.</summary>
    public abstract class AdamState : OptimizerState
    {
        private protected AdamState() { }

        public long step { get; set; }

        public Tensor exp_avg { get; set; } = null!;

        public Tensor exp_avg_sq { get; set; } = null!;
    }

    /// <summary>The update that Adam and AdamW share.</summary>
    internal sealed class AdamUpdate(
        IReadOnlyList<Parameter> parameters, double beta1, double beta2, double eps, double weightDecay, bool decoupled, Func<AdamState> create) : IDisposable
    {
        private readonly AdamState[] _states = [.. parameters.Select(parameter =>
        {
            using IDisposable still = no_grad();
            AdamState state = create();
            state.exp_avg = zeros(parameter.shape, parameter.dtype, parameter.device).DetachFromDisposeScope();
            state.exp_avg_sq = zeros(parameter.shape, parameter.dtype, parameter.device).DetachFromDisposeScope();
            return state;
        })];

        internal IReadOnlyList<OptimizerState> States => _states;

        internal void Step(IReadOnlyList<Parameter> parameters, double rate)
        {
            using IDisposable still = no_grad();
            using DisposeScope scope = NewDisposeScope();
            for (int i = 0; i < parameters.Count; i++)
            {
                Parameter parameter = parameters[i];
                if (parameter.grad is not { } gradient) continue;
                AdamState state = _states[i];
                state.step++;
                if (weightDecay != 0 && decoupled) parameter.mul_(1 - rate * weightDecay);
                if (weightDecay != 0 && !decoupled) gradient = gradient + parameter * weightDecay;
                state.exp_avg.mul_(beta1).add_(gradient, 1 - beta1);
                state.exp_avg_sq.mul_(beta2).addcmul_(gradient, gradient, 1 - beta2);
                Tensor root = (state.exp_avg_sq.sqrt() / Math.Sqrt(1 - Math.Pow(beta2, state.step))).add_(eps);
                parameter.addcdiv_(state.exp_avg, root, -rate / (1 - Math.Pow(beta1, state.step)));
            }
        }

        public void Dispose()
        {
            foreach (AdamState state in _states)
            {
                state.exp_avg.Dispose();
                state.exp_avg_sq.Dispose();
            }
        }
    }
}
