namespace Img2Pose.Formats;

/// <summary>A value of a MATLAB file.</summary>
/// <param name="Dimensions">Its sizes, at least two.</param>
public abstract record MatValue(IReadOnlyList<int> Dimensions);

/// <summary>Real numbers of any MATLAB class.</summary>
/// <param name="Dimensions">Its sizes.</param>
/// <param name="Data">The numbers in column-major order.</param>
public sealed record MatNumbers(IReadOnlyList<int> Dimensions, double[] Data) : MatValue(Dimensions)
{
    /// <summary>The element of a matrix.</summary>
    public double this[int row, int column] => Data[column * Dimensions[0] + row];
}

/// <summary>Characters.</summary>
/// <param name="Dimensions">Its sizes.</param>
/// <param name="Text">The characters in column-major order: the text itself for one row.</param>
public sealed record MatText(IReadOnlyList<int> Dimensions, string Text) : MatValue(Dimensions);

/// <summary>A cell array.</summary>
/// <param name="Dimensions">Its sizes.</param>
/// <param name="Items">The cells in column-major order.</param>
public sealed record MatCells(IReadOnlyList<int> Dimensions, IReadOnlyList<MatValue> Items) : MatValue(Dimensions);

/// <summary>A value of a class that this reader skips: structures, objects, sparse and complex arrays, functions.</summary>
/// <param name="Dimensions">Its sizes.</param>
/// <param name="Class">MATLAB's class number.</param>
public sealed record MatSkipped(IReadOnlyList<int> Dimensions, int Class) : MatValue(Dimensions);
