using System.Numerics;

namespace Img2Pose.Rendering.Meshes;

/// <summary>
/// Covers the grid of a <see cref="FaceSurface"/> with cells of one, two or four of its steps: small ones where a larger one would show
/// something else, such as at eyelids, large ones on forehead and cheeks. A cell whose neighbour is finer goes around its own middle, so
/// that no gap opens between them; so neighbours differ by one size at most. The halves are mirror images.
/// </summary>
internal sealed class AdaptiveGrid
{
    private const int Largest = 4;

    /// <summary>Units of the face that a vertex may lie off the surface for as much as one radian of its normal.</summary>
    private const float LengthOfRadian = 0.05f;

    private readonly FaceSurface _surface;
    private readonly int _middle, _columns;
    private readonly int _blockRows, _blockColumns;
    // Of the right half; blocks of 4 × 4 steps and their quarters.
    private readonly float[] _blockErrors, _quarterErrors;
    private readonly List<int> _triangles = [];

    /// <param name="surface">Its grid has whole blocks of four steps on either side of the midline.</param>
    public AdaptiveGrid(FaceSurface surface)
    {
        _surface = surface;
        _middle = surface.HalfColumns - 1;
        _columns = 2 * surface.HalfColumns - 1;
        _blockRows = (surface.Rows - 1) / Largest;
        _blockColumns = _middle / Largest;
        _quarterErrors = Errors(2 * _blockRows, 2 * _blockColumns, Largest / 2);
        _blockErrors = Errors(_blockRows, _blockColumns, Largest);
    }

    /// <summary>Three numbers of vertices of the finest grid for each triangle. The list is the next call's, too.</summary>
    /// <param name="tolerance">What a cell may show that is not there: the root of the mean squared difference over its vertices, of normals (radians),
    /// opacity, openness and place, times its diagonal in units of the face.</param>
    public List<int> Triangles(float tolerance)
    {
        bool[] quarterSplit = Array.ConvertAll(_quarterErrors, error => error > tolerance);
        bool[] blockSplit = new bool[_blockErrors.Length];
        for (int row = 0; row < _blockRows; row++)
        {
            for (int column = 0; column < _blockColumns; column++)
                blockSplit[row * _blockColumns + column] = _blockErrors[row * _blockColumns + column] > tolerance || AnySplit(quarterSplit, 2 * row - 1, 2 * column - 1);
        }
        _triangles.Clear();
        Cover cover = new(this, blockSplit, quarterSplit);
        for (int row = 0; row < _blockRows; row++)
        {
            for (int column = 0; column < _blockColumns; column++) cover.Add(row, column, Largest);
        }
        return _triangles;
    }

    /// <summary>Whether a quarter of a block, or one that lies at its sides, is split; the corners beyond are not asked.</summary>
    private bool AnySplit(bool[] quarterSplit, int row, int column)
    {
        for (int y = 0; y < 4; y++)
        {
            for (int x = 0; x < 4; x++)
            {
                bool corner = y is 0 or 3 && x is 0 or 3;
                if (!corner && Split(quarterSplit, 2 * _blockRows, 2 * _blockColumns, row + y, column + x)) return true;
            }
        }
        return false;
    }

    /// <summary>What is said of a cell; of one beyond the midline, of its mirror image; of one outside, no.</summary>
    private static bool Split(bool[] split, int rows, int columns, int row, int column)
    {
        if (column < 0) column = -1 - column;
        return row >= 0 && row < rows && column < columns && split[row * columns + column];
    }

    private float[] Errors(int rows, int columns, int side)
    {
        float[] errors = new float[rows * columns];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++) errors[row * columns + column] = Error(row * side, _middle + column * side, side);
        }
        return errors;
    }

    /// <summary>How far two triangles are from what lies between their corners.</summary>
    private float Error(int row, int column, int side)
    {
        int a = row * _columns + column, b = a + side, c = a + side * _columns, d = c + side;
        double sum = 0;
        for (int y = 0; y <= side; y++)
        {
            for (int x = 0; x <= side; x++)
            {
                float u = (float)x / side, v = (float)y / side;
                // The triangle of a, or that of d, on whose sides the vertex lies.
                (int corner, float towardsB, float towardsC) = u + v <= 1 ? (a, u, v) : (d, 1 - v, 1 - u);
                float own = 1 - towardsB - towardsC;
                int at = a + y * _columns + x;
                Vector3 normal = own * _surface.GridNormals[corner] + towardsB * _surface.GridNormals[b] + towardsC * _surface.GridNormals[c];
                Vector3 position = own * _surface.GridPositions[corner] + towardsB * _surface.GridPositions[b] + towardsC * _surface.GridPositions[c];
                float weight = own * _surface.GridWeights[corner] + towardsB * _surface.GridWeights[b] + towardsC * _surface.GridWeights[c];
                float openness = own * _surface.GridOpenness[corner] + towardsB * _surface.GridOpenness[b] + towardsC * _surface.GridOpenness[c];
                float shade = (Vector3.Normalize(normal) - _surface.GridNormals[at]).LengthSquared() + Square(openness - _surface.GridOpenness[at])
                    + Square(Vector3.Dot(position - _surface.GridPositions[at], _surface.GridNormals[at]) / LengthOfRadian);
                sum += _surface.GridWeights[at] * shade + Square(weight - _surface.GridWeights[at]);
            }
        }
        float extent = MathF.Max(Vector3.Distance(_surface.GridPositions[a], _surface.GridPositions[d]), Vector3.Distance(_surface.GridPositions[b], _surface.GridPositions[c]));
        return MathF.Sqrt((float)sum / ((side + 1) * (side + 1))) * extent;
    }

    private static float Square(float value) => value * value;

    /// <summary>The triangles as they are laid.</summary>
    private sealed class Cover(AdaptiveGrid grid, bool[] blockSplit, bool[] quarterSplit)
    {
        private readonly List<int> _rim = new(8);

        /// <summary>Lays a cell of the right half, or what it is split into, and the mirror image.</summary>
        /// <param name="row">In cells of its size from the first.</param>
        /// <param name="column">The same from the midline.</param>
        /// <param name="side">Its side in steps of the grid.</param>
        public void Add(int row, int column, int side)
        {
            if (IsSplit(row, column, side))
            {
                for (int i = 0; i < 4; i++) Add(2 * row + i / 2, 2 * column + i % 2, side / 2);
                return;
            }
            int a = row * side * grid._columns + grid._middle + column * side, down = side * grid._columns;
            int b = a + side, c = a + down, d = c + side;
            _rim.Clear();
            AddSide(a, (a + c) / 2, IsSplit(row, column - 1, side));
            AddSide(c, (c + d) / 2, IsSplit(row + 1, column, side));
            AddSide(d, (b + d) / 2, IsSplit(row, column + 1, side));
            AddSide(b, (a + b) / 2, IsSplit(row - 1, column, side));
            if (_rim.Count == 4)
            {
                AddTriangle(a, c, b);
                AddTriangle(b, c, d);
                return;
            }
            for (int i = 0; i < _rim.Count; i++) AddTriangle((a + d) / 2, _rim[i], _rim[(i + 1) % _rim.Count]);
        }

        private void AddSide(int corner, int between, bool isSplit)
        {
            _rim.Add(corner);
            if (isSplit) _rim.Add(between);
        }

        private bool IsSplit(int row, int column, int side) => side switch
        {
            Largest => Split(blockSplit, grid._blockRows, grid._blockColumns, row, column),
            2 => Split(quarterSplit, 2 * grid._blockRows, 2 * grid._blockColumns, row, column),
            _ => false,
        };

        private void AddTriangle(int first, int second, int third)
        {
            ReadOnlySpan<int> pair = [first, second, third, Mirror(first), Mirror(third), Mirror(second)];
            grid._triangles.AddRange(pair);
        }

        private int Mirror(int vertex) => vertex - vertex % grid._columns + (grid._columns - 1 - vertex % grid._columns);
    }
}
