using Img2Pose.Geometry;

namespace Img2Pose.Pipeline.Tests;

public sealed class BoxTableTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"img2pose-boxes-{Guid.NewGuid():N}.csv");

    public void Dispose() => File.Delete(_path);

    private BoxTable Load(string text)
    {
        File.WriteAllText(_path, text);
        return BoxTable.Load(_path);
    }

    [Fact]
    public void Boxes_are_found_by_frame_number()
    {
        BoxTable table = Load("frame,l,t,r,b\n0,1,2,3,4\n07,1.5,2,3,4\n7,5,6,7,8\n\n");

        Assert.Equal(3, table.Count);
        Assert.Equal([new Box(1, 2, 3, 4)], table.For(0, null).ToArray());
        Assert.Equal([new Box(1.5, 2, 3, 4), new Box(5, 6, 7, 8)], table.For(7, "ignored.png").ToArray());
        Assert.True(table.For(1, null).IsEmpty);
    }

    [Fact]
    public void Boxes_are_found_by_the_name_of_the_file_whatever_its_folder()
    {
        BoxTable table = Load("\uFEFFfile, l, t, r, b\r\nsome/where/a, b.png,1,2,3,4\r\n");

        Assert.Equal([new Box(1, 2, 3, 4)], table.For(0, "/elsewhere/a, b.png").ToArray());
        Assert.True(table.For(0, "b.png").IsEmpty);
        Assert.True(table.For(0, null).IsEmpty);
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("l,t,r,b\n", ":1: the header must be")]
    [InlineData("frame,l,t,r,b\n0,1,2,3\n", ":2: five values")]
    [InlineData("frame,l,t,r,b\n0,1,2,3,4,5\n", ":2: five values")]
    [InlineData("frame,l,t,r,b\n0,1,2,3,x\n", ":2: 'x' is not a number")]
    [InlineData("frame,l,t,r,b\n0,1,2,NaN,4\n", ":2: 'NaN' is not a number")]
    [InlineData("frame,l,t,r,b\n0,1,2,3,4\n-1,1,2,3,4\n", ":3: '-1' is not a frame number")]
    [InlineData("frame,l,t,r,b\n0,3,2,1,4\n", ":2: the box has no area")]
    public void A_wrong_line_is_named(string text, string message)
    {
        InputException error = Assert.Throws<InputException>(() => Load(text));

        Assert.StartsWith(_path, error.Message);
        Assert.Contains(message, error.Message);
    }

    [Fact]
    public void A_file_that_is_not_there_is_named()
    {
        InputException error = Assert.Throws<InputException>(() => BoxTable.Load(_path));

        Assert.Contains(_path, error.Message);
    }
}
