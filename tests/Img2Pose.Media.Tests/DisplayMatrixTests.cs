namespace Img2Pose.Media.Tests;

public sealed unsafe class DisplayMatrixTests
{
    private const int One = 1 << 16;

    [Theory]
    [InlineData(One, 0, 0, One, 1)]
    [InlineData(-One, 0, 0, One, 2)]
    [InlineData(-One, 0, 0, -One, 3)]
    [InlineData(One, 0, 0, -One, 4)]
    [InlineData(0, One, One, 0, 5)]
    [InlineData(0, One, -One, 0, 6)]
    [InlineData(0, -One, -One, 0, 7)]
    [InlineData(0, -One, One, 0, 8)]
    [InlineData(65000, 3000, -3000, 65000, 1)]
    public void Matrices_become_quarter_turns_and_mirrors(int a, int b, int c, int d, int expected)
    {
        int* matrix = stackalloc int[9] { a, b, 0, c, d, 0, 0, 0, 1 << 30 };

        Assert.Equal((PictureOrientation)expected, DisplayMatrix.ToOrientation(matrix));
    }
}
