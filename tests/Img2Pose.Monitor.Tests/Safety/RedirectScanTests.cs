using System.Text;
using Img2Pose.Monitor.Safety;

namespace Img2Pose.Monitor.Tests.Safety;

/// <summary>What FFmpeg would take for an answer that sends elsewhere, in every disguise that its reader lets pass.</summary>
public class RedirectScanTests
{
    [Theory]
    [InlineData("RTSP/1.0 302 Found\r\nLocation: rtsp://x/\r\n\r\n")]
    [InlineData("RTSP/9 302\n")]
    [InlineData("RTSP/ \t 0305 Use\n")]
    [InlineData("RTSP/1.0 +301 x\n")]
    [InlineData("RT\rSP/1.0\r 3\r02\r\n")]
    [InlineData("RTSP/1.0 200 OK\r\n\r\nRTSP/1.0 303 See\r\n")]
    [InlineData("$\0\0\u0004abcdRTSP/1.0 302 Found\r\n")]
    [InlineData("RTRTSP/1.0 302\n")]
    public void A_redirect_is_seen_however_it_is_cut(string said)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(said);
        RedirectScan scan = new();
        bool bytewise = false;
        foreach (byte one in bytes) bytewise = scan.Sees([one]);

        Assert.True(new RedirectScan().Sees(bytes));
        Assert.True(bytewise);
    }

    [Theory]
    [InlineData("RTSP/1.0 200 OK\r\nCSeq: 302\r\nContent-Length: 300\r\n\r\n")]
    [InlineData("RTSP/1.0 404 Not Found 302\r\n")]
    [InlineData("RTSP/1.0 1302\r\n")]
    [InlineData("GET_PARAMETER rtsp://h/ RTSP/1.0\r\n302\r\n")]
    [InlineData("HTTP/1.1 302 Found\r\n")]
    public void What_sends_nowhere_goes_through(string said) => Assert.False(new RedirectScan().Sees(Encoding.Latin1.GetBytes(said)));
}
