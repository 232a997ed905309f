using ManagedCuda;
using ManagedCuda.BasicTypes;

namespace Img2Pose.Cuda.Kernels;

/// <summary>The kernels of <c>native/cuda</c>, as the driver compiled them for the device. Belongs to its device.</summary>
internal sealed class KernelModule
{
    private readonly CUmodule _module;

    /// <summary>Hands the PTX to the driver; the context is current.</summary>
    /// <exception cref="CudaException">The driver refuses the module or lacks an entry.</exception>
    public KernelModule(CudaContext context)
    {
        _module = context.LoadModulePTX(ReadPtx());
        Tensorise = new CudaKernel(KernelNames.Tensorise, _module, context).CUFunction;
        PoolRegions = new CudaKernel(KernelNames.PoolRegions, _module, context).CUFunction;
        Blend = new CudaKernel(KernelNames.Blend, _module, context).CUFunction;
        CountCells = new CudaKernel(KernelNames.CountCells, _module, context).CUFunction;
        SelectCells = new CudaKernel(KernelNames.SelectCells, _module, context).CUFunction;
        Shrink = new CudaKernel(KernelNames.Shrink, _module, context).CUFunction;
        CountDigits = new CudaKernel(KernelNames.CountDigits, _module, context).CUFunction;
        Narrow = new CudaKernel(KernelNames.Narrow, _module, context).CUFunction;
        CountBest = new CudaKernel(KernelNames.CountBest, _module, context).CUFunction;
        TakeBest = new CudaKernel(KernelNames.TakeBest, _module, context).CUFunction;
        DecodeBest = new CudaKernel(KernelNames.DecodeBest, _module, context).CUFunction;
        CompareBest = new CudaKernel(KernelNames.CompareBest, _module, context).CUFunction;
        Suppress = new CudaKernel(KernelNames.Suppress, _module, context).CUFunction;
        RankBest = new CudaKernel(KernelNames.RankBest, _module, context).CUFunction;
        JoinBest = new CudaKernel(KernelNames.JoinBest, _module, context).CUFunction;
    }

    /// <summary>Pictures to tensors.</summary>
    public CUfunction Tensorise { get; }

    /// <summary>Regions of a feature pyramid to rows.</summary>
    public CUfunction PoolRegions { get; }

    /// <summary>An overlay over a picture.</summary>
    public CUfunction Blend { get; }

    /// <summary>How many cells of a chunk are above a bound.</summary>
    public CUfunction CountCells { get; }

    /// <summary>Those cells to records.</summary>
    public CUfunction SelectCells { get; }

    /// <summary>A picture to a few sums of its brightness.</summary>
    public CUfunction Shrink { get; }

    /// <summary>Digits of scores to counts of how often they occur.</summary>
    public CUfunction CountDigits { get; }

    /// <summary>Those counts to the next digit of the threshold.</summary>
    public CUfunction Narrow { get; }

    /// <summary>How many scores of a chunk are above the threshold, and at it.</summary>
    public CUfunction CountBest { get; }

    /// <summary>Those scores to keys.</summary>
    public CUfunction TakeBest { get; }

    /// <summary>Keys to boxes, best first.</summary>
    public CUfunction DecodeBest { get; }

    /// <summary>Which boxes overlap which.</summary>
    public CUfunction CompareBest { get; }

    /// <summary>64 boxes of each level to those that are kept.</summary>
    public CUfunction Suppress { get; }

    /// <summary>What is kept of all levels, best first.</summary>
    public CUfunction RankBest { get; }

    /// <summary>Proposals of all pictures, one picture after the other.</summary>
    public CUfunction JoinBest { get; }

    /// <summary>The PTX that this assembly carries.</summary>
    internal static byte[] ReadPtx()
    {
        using Stream stream = typeof(KernelModule).Assembly.GetManifestResourceStream("kernels.ptx")
            ?? throw new InvalidOperationException("The assembly carries no kernels.");
        byte[] text = new byte[stream.Length];
        stream.ReadExactly(text);
        return text;
    }

    /// <summary>Gives the module back; the context is current.</summary>
    public void Unload(CudaContext context) => context.UnloadModule(_module);

    /// <summary>Gives the module back where the device may be lost.</summary>
    public void Abandon(CudaContext context)
    {
        try
        {
            Unload(context);
        }
        catch (CudaException)
        {
            // The driver has said before what is wrong.
        }
    }
}

/// <summary>Entry names in the PTX, and what each is launched with.</summary>
internal static class KernelNames
{
    public const string Tensorise = "tensorise";

    public const string Blend = "blend";

    public const string PoolRegions = "pool_regions";

    public const string CountCells = "count_cells";

    public const string SelectCells = "select_cells";

    public const string Shrink = "shrink";

    public const string CountDigits = "count_digits";

    public const string Narrow = "narrow";

    public const string CountBest = "count_best";

    public const string TakeBest = "take_best";

    public const string DecodeBest = "decode_best";

    public const string CompareBest = "compare_best";

    public const string Suppress = "suppress";

    public const string RankBest = "rank_best";

    public const string JoinBest = "join_best";

    /// <summary>Every entry and the structure that it takes by value.</summary>
    public static IReadOnlyDictionary<string, Type> Parameters { get; } = new Dictionary<string, Type>
    {
        [Tensorise] = typeof(TensoriseParameters),
        [Blend] = typeof(BlendParameters),
        [PoolRegions] = typeof(PoolParameters),
        [CountCells] = typeof(SelectParameters),
        [SelectCells] = typeof(SelectParameters),
        [Shrink] = typeof(ShrinkParameters),
        [CountDigits] = typeof(ProposalParameters),
        [Narrow] = typeof(ProposalParameters),
        [CountBest] = typeof(ProposalParameters),
        [TakeBest] = typeof(ProposalParameters),
        [DecodeBest] = typeof(ProposalParameters),
        [CompareBest] = typeof(ProposalParameters),
        [Suppress] = typeof(ProposalParameters),
        [RankBest] = typeof(ProposalParameters),
        [JoinBest] = typeof(ProposalParameters),
    };
}
