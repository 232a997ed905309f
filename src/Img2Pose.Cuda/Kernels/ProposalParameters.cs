using System.Runtime.InteropServices;

namespace Img2Pose.Cuda.Kernels;

/// <summary>One level of a proposal head's maps in device memory: <c>ProposalLevel</c> of <c>native/cuda/parameters.h</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ProposalLevel
{
    /// <summary>Scores, float32 [pictures, shapes, height, width].</summary>
    public nint Objectness;

    /// <summary>Moves, float32 [pictures, 4 · shapes, height, width].</summary>
    public nint Deltas;

    /// <summary>Left, top, right, bottom of each shape around a cell's corner (float32).</summary>
    public nint Anchors;

    /// <summary>Shapes at a cell.</summary>
    public int Shapes;

    /// <summary>Cells of a row.</summary>
    public int Width;

    /// <summary>Rows.</summary>
    public int Height;

    /// <summary>Candidates that are taken of a picture.</summary>
    public int Best;

    /// <summary>Place of the first of them among a picture's, a multiple of 64.</summary>
    public int First;

    /// <summary>Chunks of the anchors of a picture.</summary>
    public int Chunks;
}

/// <summary>What the kernels that select proposals are launched with, each with the same; see <c>native/cuda/parameters.h</c>, which says what each is.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ProposalParameters
{
    public nint Levels;
    public nint Sizes;
    public nint Bins;
    public nint States;
    public nint Counts;
    public nint Keys;
    public nint Scores;
    public nint Boxes;
    public nint Largest;
    public nint Overlaps;
    public nint Removed;
    public nint Kept;
    public nint Ranked;
    public nint Found;
    public nint Regions;
    public nint RegionPictures;
    public float Threshold;
    public float DeltaLimit;
    public int LevelCount;
    public int Pictures;
    public int FirstPicture;
    public int Places;
    public int Words;
    public int Chunks;
    public int Capacity;
    public int PaddedWidth;
    public int PaddedHeight;
    public int Shifted;
    public int Digit;
    public int Block;
}
