namespace Img2Pose.Tracking;

/// <summary>
/// Optimal one-to-one assignment of rows to columns by the Hungarian method with shortest augmenting paths
/// (Jonker and Volgenant, Computing 1987). Its buffers are kept and only grow.
/// </summary>
internal sealed class Assignment
{
    private double[] _rowPotential = [], _columnPotential = [], _slack = [];
    private int[] _rowOfColumn = [], _previousColumn = [];
    private bool[] _visited = [];

    /// <summary>
    /// Minimises the sum of the costs, where a row may also stay alone at a price.
    /// </summary>
    /// <param name="costs">Row-major rows × columns; positive infinity forbids a pair.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">Number of columns.</param>
    /// <param name="alone">What a row without a column costs.</param>
    /// <param name="columnOfRow">Receives each row's column, or −1.</param>
    public void Solve(ReadOnlySpan<double> costs, int rows, int columns, double alone, Span<int> columnOfRow)
    {
        // Every row gets a column of its own in which it is alone, so that the problem always has a solution. Column 0 is
        // the start of each search.
        int total = columns + rows;
        EnsureCapacity(rows, total);
        Array.Clear(_rowPotential, 0, rows);
        Array.Clear(_columnPotential, 0, total + 1);
        Array.Fill(_rowOfColumn, -1, 0, total + 1);

        for (int row = 0; row < rows; row++)
        {
            _rowOfColumn[0] = row;
            Array.Fill(_slack, double.PositiveInfinity, 0, total + 1);
            Array.Clear(_visited, 0, total + 1);
            int column = 0;
            while (_rowOfColumn[column] >= 0)
            {
                _visited[column] = true;
                int current = _rowOfColumn[column], nearest = -1;
                double least = double.PositiveInfinity;
                for (int j = 1; j <= total; j++)
                {
                    if (_visited[j]) continue;
                    double reduced = Cost(costs, columns, alone, current, j - 1) - _rowPotential[current] - _columnPotential[j];
                    if (reduced < _slack[j]) (_slack[j], _previousColumn[j]) = (reduced, column);
                    if (_slack[j] < least) (least, nearest) = (_slack[j], j);
                }
                for (int j = 0; j <= total; j++)
                {
                    if (_visited[j])
                    {
                        _rowPotential[_rowOfColumn[j]] += least;
                        _columnPotential[j] -= least;
                    }
                    else
                    {
                        _slack[j] -= least;
                    }
                }
                column = nearest;
            }
            while (column != 0)
            {
                int previous = _previousColumn[column];
                _rowOfColumn[column] = _rowOfColumn[previous];
                column = previous;
            }
        }

        columnOfRow[..rows].Fill(-1);
        for (int j = 1; j <= columns; j++) if (_rowOfColumn[j] >= 0) columnOfRow[_rowOfColumn[j]] = j - 1;
    }

    private static double Cost(ReadOnlySpan<double> costs, int columns, double alone, int row, int column) =>
        column < columns ? costs[row * columns + column] : column - columns == row ? alone : double.PositiveInfinity;

    private void EnsureCapacity(int rows, int total)
    {
        if (_rowPotential.Length < rows) _rowPotential = new double[2 * rows];
        if (_columnPotential.Length > total) return;
        int capacity = 2 * (total + 1);
        _columnPotential = new double[capacity];
        _slack = new double[capacity];
        _rowOfColumn = new int[capacity];
        _previousColumn = new int[capacity];
        _visited = new bool[capacity];
    }
}
