using System.Net;
using System.Text;
using Img2Pose.Monitor.Safety;

namespace Img2Pose.Monitor.Tests.Safety;

public class TransportAnswersTests
{
    private static string Pass(string answer, int part)
    {
        TransportAnswers answers = new(IPAddress.Parse("192.0.2.7"));
        byte[] bytes = Encoding.Latin1.GetBytes(answer);
        StringBuilder passed = new();
        for (int at = 0; at < bytes.Length; at += part) passed.Append(Encoding.Latin1.GetString(answers.Pass(bytes.AsSpan(at, Math.Min(part, bytes.Length - at)))));
        return passed.ToString();
    }

    [Theory]
    [InlineData("Transport: RTP/AVP;unicast;client_port=5000-5001;server_port=6000-6001;source=169.254.169.254\r\n", "Transport: RTP/AVP;unicast;client_port=5000-5001;server_port=6000-6001;source=169.254.169.254;source=192.0.2.7\r\n")]
    [InlineData("transport:RTP/AVP;server_port=1-2,RTP/AVP;source=10.0.0.1\n", "transport:RTP/AVP;server_port=1-2;source=192.0.2.7\r\n")]
    [InlineData("T\rran\rsport: RTP/AVP\r\r\n", "Transport: RTP/AVP;source=192.0.2.7\r\n")]
    public void A_source_is_always_the_camera_itself(string said, string expected)
    {
        string begin = "RTSP/1.0 200 OK\r\nCSeq: 3\r\n", end = "Session: 1\r\n\r\nv=0\r\nt=0 0\r\na=control:*";

        Assert.Equal(begin + expected + end, Pass(begin + said + end, 1000));
        Assert.Equal(begin + expected + end, Pass(begin + said + end, 1));
    }

    [Fact]
    public void A_text_without_an_end_of_its_line_goes_on_at_once() => Assert.Equal("v=0\r\na=x", Pass("v=0\r\na=x", 3));

    [Theory]
    [InlineData("RTSP/1.0 200 OK\r\n\r\n$\0\0\u0004abcdTransport: x")]
    [InlineData("\r$")]
    public void Pictures_within_the_connection_are_refused(string said) => Assert.Contains("UDP", Assert.Throws<InputException>(() => Pass(said, 1)).Message);

    [Fact]
    public void A_line_that_would_be_cut_is_refused() => Assert.Contains("too long", Assert.Throws<InputException>(() => Pass("Transport: " + new string('x', 5000) + "\r\n", 100)).Message);
}
