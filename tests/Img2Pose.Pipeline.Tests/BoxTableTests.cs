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

    [Fact]
    public void Quoted_names_are_names()
    {
        BoxTable table = Load("file,l,t,r,b\r\n\"a,b.jpg\",1,2,3,4\r\n\"quote\"\".jpg\",5,6,7,8\r\n\"two\nlines.jpg\",1,1,2,2\r\nsp ace.jpg,9,9,10,10");

        Assert.Equal([new Box(1, 2, 3, 4)], table.For(0, "a,b.jpg").ToArray());
        Assert.Equal([new Box(5, 6, 7, 8)], table.For(0, "x/quote\".jpg").ToArray());
        Assert.Equal([new Box(1, 1, 2, 2)], table.For(0, "two\nlines.jpg").ToArray());
        Assert.Equal([new Box(9, 9, 10, 10)], table.For(0, "sp ace.jpg").ToArray());
        Assert.Null(table.DescribeUnused());
    }

    [Fact]
    public void Tables_of_the_program_itself_are_boxes_by_file_or_by_frame()
    {
        const string header = "source,frame,pts,id,detected,score,left,top,right,bottom,rx,ry,rz,tx,ty,tz,yaw,pitch,roll\r\n";
        BoxTable table = Load(header + "\"in/a,b.png\",0,,0,1,0.9,1,2,3,4,0,0,0,0,0,1,0,0,0\r\n,12,0.4,1,1,0.9,5,6,7,8,0,0,0,0,0,1,0,0,0\r\n");

        Assert.Equal([new Box(1, 2, 3, 4)], table.For(99, "a,b.png").ToArray());
        Assert.Equal([new Box(5, 6, 7, 8)], table.For(12, null).ToArray());
    }

    [Fact]
    public void Rows_that_match_nothing_are_named()
    {
        BoxTable table = Load("file,l,t,r,b\na.png,1,2,3,4\nb.png,1,2,3,4\n" + string.Concat(Enumerable.Range(0, 9).Select(i => $"c{i}.png,1,2,3,4\n")));
        table.For(0, "a.png");

        string unused = table.DescribeUnused()!;

        Assert.Contains("'b.png', 'c0.png'", unused, StringComparison.Ordinal);
        Assert.Contains("and 5 more", unused, StringComparison.Ordinal);
        Assert.DoesNotContain("a.png", unused, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("file,l,t,r,b\n\"a.png,1,2,3,4\n", ":2: the quote")]
    [InlineData("file,l,t,r,b\n\"a\"b.png,1,2,3,4\n", ":2: 'b.png' follows")]
    [InlineData("frame,l,t,r,b\n0,1,2,1e300,4\n", ":2: 1e300 lies outside")]
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

        Assert.StartsWith(_path, error.Message, StringComparison.Ordinal);
        Assert.Contains(message, error.Message);
    }

    [Fact]
    public void A_file_that_is_not_there_is_named()
    {
        InputException error = Assert.Throws<InputException>(() => BoxTable.Load(_path));

        Assert.Contains(_path, error.Message);
    }
}
