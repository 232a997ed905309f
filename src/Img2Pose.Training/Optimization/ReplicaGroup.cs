using System.Collections.Concurrent;
using System.Globalization;
using Img2Pose.Training.Networks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Img2Pose.Training.Optimization;

/// <summary>
/// One network on several devices, in step: synchronous data parallel in one process. Every replica computes the losses of its
/// share of a batch on a thread of its own, divided by the counts of the whole batch and normalised by the statistics of the whole
/// batch (<see cref="JoinedNorm"/>); one backward pass goes through all of them, or, where norms keep their statistics, each goes
/// back on its own thread; the gradients meet in the first replica, whose optimiser takes the step; and its weights and buffers go
/// to the others. So the devices change where a step is computed, not what it is, up to rounding. Alone, a network computes on the
/// calling thread.
/// </summary>
internal sealed class ReplicaGroup : IDisposable
{
    private readonly nn.Module[] _networks;
    private readonly Device[] _devices;
    private readonly ReplicaExchange? _exchange;
    private readonly ReplicaLink[] _links = [];
    private readonly Worker[] _workers;
    private readonly bool _apart;

    /// <summary>Joins networks of the same kind, each on its own device; the others take over the first one's weights.</summary>
    /// <param name="networks">The replicas. They stay their owner's.</param>
    /// <param name="devices">Where each is.</param>
    /// <param name="threads">Threads of libtorch, of which each replica gets its share.</param>
    internal ReplicaGroup(IReadOnlyList<nn.Module> networks, IReadOnlyList<Device> devices, int threads)
    {
        (_networks, _devices) = ([.. networks], [.. devices]);
        if (_networks.Length == 1)
        {
            _workers = [];
            return;
        }
        _exchange = new ReplicaExchange(_networks.Length);
        _apart = !JoinedNorm.IsNeeded(_networks[0]);
        int each = Math.Max(1, threads / _networks.Length);
        _workers = [.. _devices.Select((device, i) => new Worker($"replica {i} on {device}", each))];
        _links = [.. _devices.Select((device, i) => new ReplicaLink(_exchange, i, device))];
        for (int i = 0; i < _networks.Length; i++) JoinedNorm.Join(_networks[i], _links[i]);
        foreach (nn.Module other in _networks.AsSpan(1))
        {
            // What does not learn in the first one has no gradient to give to it.
            foreach ((Parameter own, Parameter first) in other.parameters().Zip(_networks[0].parameters())) own.requires_grad = first.requires_grad;
        }
        Spread();
    }

    /// <summary>Number of replicas.</summary>
    internal int Count => _networks.Length;

    /// <summary>The share of a replica in a batch of so many pictures: as equal as can be, in their order.</summary>
    internal (int First, int Count) Share(int rank, int pictures)
    {
        int first = (int)((long)pictures * rank / Count), end = (int)((long)pictures * (rank + 1) / Count);
        return (first, end - first);
    }

    /// <summary>Learns from a batch: losses, gradients, their clipping, and the optimiser's step, which only finite numbers are given.</summary>
    /// <param name="compute">Losses of a replica's share as parts of the whole batch's, the first being the one that is lowered; called on the replica's thread.</param>
    /// <param name="optimizer">The first replica's.</param>
    /// <param name="clip">Largest norm of the gradient.</param>
    /// <param name="diverged">Makes the error for losses or gradients that are no numbers, of the words for what is not.</param>
    /// <returns>The parts of the loss.</returns>
    /// <exception cref="Img2PoseException">A replica failed, or what <paramref name="diverged"/> makes. Weights and moments are as before the step.</exception>
    internal double[] Learn(Func<int, ReplicaLink?, Tensor[]> compute, OptimizerHelper optimizer, double clip, Func<string, Img2PoseException> diverged)
    {
        using DisposeScope scope = NewDisposeScope();
        try
        {
            optimizer.zero_grad();
            foreach (nn.Module other in _networks.AsSpan(1))
            {
                foreach (Parameter parameter in other.parameters()) parameter.grad?.zero_();
            }
            Tensor[] parts = Forward(compute);
            double[] numbers = Array.ConvertAll(parts, part => (double)part.item<float>());
            if (!double.IsFinite(numbers[0])) throw diverged(string.Create(CultureInfo.InvariantCulture, $"the loss is {numbers[0]}"));
            if (!_apart) parts[0].backward();
            Reduce();
            double norm = nn.utils.clip_grad_norm_(_networks[0].parameters().Where(parameter => parameter.requires_grad), clip);
            if (!double.IsFinite(norm)) throw diverged(string.Create(CultureInfo.InvariantCulture, $"the gradient's norm is {norm}"));
            optimizer.step();
            Spread();
            return numbers;
        }
        finally
        {
            _exchange?.Reset();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Worker worker in _workers) worker.Dispose();
    }

    /// <summary>Gives the others the first one's weights and buffers.</summary>
    internal void Spread()
    {
        if (_exchange is null) return;
        using IDisposable still = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> first = _networks[0].state_dict();
        foreach (nn.Module other in _networks.AsSpan(1))
        {
            foreach ((string name, Tensor target) in other.state_dict()) target.detach().copy_(first[name].detach());
        }
    }

    private Tensor[] Forward(Func<int, ReplicaLink?, Tensor[]> compute)
    {
        if (_exchange is not { } exchange) return compute(0, null);
        Task<Tensor[]>[] tasks = [.. _workers.Select((worker, rank) => worker.Run(() => Part(exchange, rank, compute)))];
        // The step's own thread has nothing to do before its replicas are done; each of them ends, if only because another failed.
        ((Task)Task.WhenAll(tasks)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing).GetAwaiter().GetResult();
        try
        {
            foreach (bool consequence in (bool[])[false, true])
            {
                for (int rank = 0; rank < tasks.Length; rank++)
                {
                    if (tasks[rank].Exception?.InnerException is { } error && error is ReplicaStoppedException == consequence)
                        throw new Img2PoseException($"replica {rank} on {_devices[rank]} failed: {error.Message}", error);
                }
            }
            return [.. Enumerable.Range(0, tasks[0].Result.Length).Select(Whole)];
        }
        finally
        {
            foreach (Tensor part in tasks.Where(task => task.IsCompletedSuccessfully).SelectMany(task => task.Result)) part.Dispose();
        }

        Tensor Whole(int part)
        {
            Tensor sum = tasks[0].Result[part].alias();
            for (int rank = 1; rank < tasks.Length; rank++) sum = sum + tasks[rank].Result[part].to(_devices[0]);
            return sum;
        }
    }

    private Tensor[] Part(ReplicaExchange exchange, int rank, Func<int, ReplicaLink?, Tensor[]> compute)
    {
        bool done = false;
        try
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor[] parts = compute(rank, _links[rank]);
            if (_apart)
            {
                parts[0].backward();
                parts = Array.ConvertAll(parts, part => part.detach());
            }
            // Two names for one number are two tensors here, each freed once.
            Tensor[] kept = Array.ConvertAll(parts, part => part.alias().DetachFromDisposeScope());
            done = true;
            return kept;
        }
        finally
        {
            exchange.Leave(failed: !done);
        }
    }

    /// <summary>Adds the others' gradients to the first one's, in their order.</summary>
    private void Reduce()
    {
        if (_exchange is null) return;
        using IDisposable still = no_grad();
        Parameter[] first = [.. _networks[0].parameters()];
        foreach (nn.Module other in _networks.AsSpan(1))
        {
            int i = 0;
            foreach (Parameter parameter in other.parameters())
            {
                Parameter own = first[i++];
                if (parameter.grad is not { } gradient) continue;
                Tensor moved = gradient.to(_devices[0]);
                if (own.grad is { } sum) sum.add_(moved);
                else own.grad = moved.clone();
            }
        }
    }

    /// <summary>A thread that lives as long as its replica: libtorch keeps its number of threads, and their pool, for each calling thread.</summary>
    private sealed class Worker : IDisposable
    {
        private readonly BlockingCollection<Action> _work = [];
        private readonly Thread _thread;

        internal Worker(string name, int threads)
        {
            _thread = new Thread(() =>
            {
                TorchThreads.Use(threads);
                // Waits for the next step, until the run is over (CompleteAdding).
                foreach (Action action in _work.GetConsumingEnumerable()) action();
            })
            { Name = name, IsBackground = true };
            _thread.Start();
        }

        internal Task<T> Run<T>(Func<T> function)
        {
            TaskCompletionSource<T> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _work.Add(() =>
            {
                try
                {
                    done.SetResult(function());
                }
                catch (Exception error)
                {
                    // Whatever it is, the step's thread tells it with this replica's name.
                    done.SetException(error);
                }
            });
            return done.Task;
        }

        public void Dispose()
        {
            _work.CompleteAdding();
            // Nothing runs any more: a step waits for all its replicas.
            _thread.Join();
            _work.Dispose();
        }
    }
}
