using static TorchSharp.torch;

namespace Img2Pose.Training.Optimization;

/// <summary>Another replica failed, and this one ends with it.</summary>
internal sealed class ReplicaStoppedException() : Img2PoseException("another replica failed");

/// <summary>
/// Where the replicas of a network, each on a thread of its own, meet in the middle of a step and give each other what belongs to
/// the whole batch: batch norm's moments, and the counts that losses are divided by. All meet equally often and in the same order.
/// What is summed is summed in the order of the replicas, so that a step's numbers do not depend on who came first.
/// </summary>
internal sealed class ReplicaExchange(int count)
{
    private readonly object _gate = new();
    private readonly List<Tensor> _lent = [];
    private object?[] _coming = new object?[count];
    private object?[] _met = [];
    private int _arrived, _left;
    private long _meeting;
    private bool _failed;

    /// <summary>Replicas that meet.</summary>
    internal int Count => count;

    /// <summary>Waits until all have brought something of the same kind, and gives what each brought, in their order.</summary>
    /// <exception cref="ReplicaStoppedException">One of the others failed, or will not come any more.</exception>
    internal T[] Meet<T>(int rank, T mine)
    {
        lock (_gate)
        {
            _coming[rank] = mine;
            if (++_arrived == count)
            {
                (_met, _coming, _arrived) = (_coming, new object?[count], 0);
                _meeting++;
                Monitor.PulseAll(_gate);
            }
            else
            {
                long own = _meeting;
                RequireAll();
                // Replicas go in step: there is nothing else to do here before the slowest has come. Whoever fails or leaves wakes all.
                while (_meeting == own && !_failed) Monitor.Wait(_gate);
                if (_meeting == own) throw new ReplicaStoppedException();
            }
            return Array.ConvertAll(_met, brought => (T)brought!);
        }
    }

    /// <summary>Keeps a tensor that others use until the step is over.</summary>
    internal void Lend(Tensor tensor)
    {
        lock (_gate) _lent.Add(tensor);
    }

    /// <summary>Tells the others that they need not wait for this one: it is done, or has failed.</summary>
    internal void Leave(bool failed)
    {
        lock (_gate)
        {
            _left++;
            _failed |= failed;
            if (_arrived > 0) RequireAll(thrown: false);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Frees what was lent, and makes ready for the next step. Nobody meets meanwhile.</summary>
    internal void Reset()
    {
        lock (_gate)
        {
            foreach (Tensor tensor in _lent) tensor.Dispose();
            _lent.Clear();
            (_arrived, _left, _failed, _met, _coming) = (0, 0, false, [], new object?[count]);
        }
    }

    // Someone who waits for one that has left would wait for ever.
    private void RequireAll(bool thrown = true)
    {
        if (_left == 0 && !_failed) return;
        _failed = true;
        Monitor.PulseAll(_gate);
        if (thrown) throw new ReplicaStoppedException();
    }
}

/// <summary>A replica's way to the others.</summary>
/// <param name="Exchange">Where they meet.</param>
/// <param name="Rank">Which one this is, from 0.</param>
/// <param name="Device">Where it computes.</param>
internal sealed record ReplicaLink(ReplicaExchange Exchange, int Rank, Device Device)
{
    /// <summary>Numbers of this replica's share become those of the whole batch.</summary>
    internal double[] Sum(params double[] mine)
    {
        double[] sums = new double[mine.Length];
        foreach (double[] part in Exchange.Meet(Rank, mine))
        {
            for (int i = 0; i < sums.Length; i++) sums[i] += part[i];
        }
        return sums;
    }

    /// <summary>A number of each replica, in their order.</summary>
    internal double[] Gather(double mine) => Exchange.Meet(Rank, mine);

    /// <summary>A tensor of each replica, in their order and on this one's device; gradients flow back to where they come from.</summary>
    internal Tensor[] Gather(Tensor mine)
    {
        Tensor kept = mine.alias().DetachFromDisposeScope();
        Exchange.Lend(kept);
        Tensor[] all = Exchange.Meet(Rank, kept);
        return Array.ConvertAll(all, tensor => tensor.to(Device));
    }
}

/// <summary>Sums over a batch that may be spread over replicas.</summary>
internal static class ReplicaSums
{
    /// <summary>The whole batch's numbers; alone, one's own.</summary>
    internal static double[] Whole(this ReplicaLink? link, params double[] mine) => link?.Sum(mine) ?? mine;
}
