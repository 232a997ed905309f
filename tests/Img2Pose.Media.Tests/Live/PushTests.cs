using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Img2Pose.Media.Tests;

/// <summary>Streams that are pushed: how their opening ends when it does not succeed.</summary>
public class PushTests
{
    private static Task<VideoWriter> OpenAsync(string address, CancellationToken stop = default) => Task.Run(
        () =>
        {
            using IFrameSource source = MediaSource.Open("lavfi:testsrc2=s=64x48:r=10");
            return VideoWriter.Create(address, source, new VideoWriterOptions { Stop = stop });
        },
        TestContext.Current.CancellationToken);

    [Theory]
    [InlineData("rtmp")]
    [InlineData("rtsp")]
    public async Task A_stop_ends_a_push_that_waits_for_an_answer(string scheme)
    {
        // It takes the connection and says nothing.
        using TcpListener mute = new(IPAddress.Loopback, 0);
        mute.Start();
        using CancellationTokenSource stop = new();
        Task<VideoWriter> opening = OpenAsync(string.Create(CultureInfo.InvariantCulture, $"{scheme}://127.0.0.1:{((IPEndPoint)mute.LocalEndpoint).Port}/live/x"), stop.Token);
        using TcpClient taken = await mute.AcceptTcpClientAsync(TestContext.Current.CancellationToken);

        await stop.CancelAsync();

        // Not the five seconds of an answer that does not come, which would be another exception.
        await Assert.ThrowsAsync<OperationCanceledException>(() => opening);
    }

    [Fact]
    public async Task An_unknown_host_is_told_as_one()
    {
        OutputException error = await Assert.ThrowsAsync<OutputException>(() => OpenAsync("rtmp://me:secret77@nobody.invalid/live/x"));

        Assert.Contains("host nobody.invalid", error.Message.Replace("where nobody.invalid is", "host nobody.invalid", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotContain("secret77", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_encrypted_push_goes_to_nobody_whose_certificate_is_not_trusted()
    {
        using RSA key = RSA.Create(2048);
        CertificateRequest request = new("CN=127.0.0.1", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using X509Certificate2 made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using X509Certificate2 certificate = X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        int received = 0;
        using CancellationTokenSource end = new();
        Task server = Task.Run(
            async () =>
            {
                while (true)
                {
                    using TcpClient client = await listener.AcceptTcpClientAsync(end.Token);
                    await using SslStream stream = new(client.GetStream());
                    try
                    {
                        await stream.AuthenticateAsServerAsync(certificate);
                        received += await stream.ReadAsync(new byte[4096], end.Token);
                    }
                    catch (Exception e) when (e is IOException or AuthenticationException)
                    {
                        // As it should: the other side has hung up.
                    }
                }
            },
            TestContext.Current.CancellationToken);

        OutputException error = await Assert.ThrowsAsync<OutputException>(() => OpenAsync(
            string.Create(CultureInfo.InvariantCulture, $"rtmps://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/live/secret77")));

        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => server);
        Assert.Contains("certificate is not trusted", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, received);
    }

    [Fact]
    public async Task Where_no_certificate_can_be_checked_nothing_is_pushed() =>
        Assert.Contains("nothing is pushed to rtsps://", (await Assert.ThrowsAsync<UsageException>(() => OpenAsync("rtsps://127.0.0.1:1/x"))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("rtmp://xn--a/live")]
    [InlineData("rtmp://\u3002\u05d0a\u0661/live")]
    [InlineData("srt://\ud55c\uffff:5000")]
    [InlineData("rtsp://a\u200db\ufffe/x")]
    public async Task A_host_that_cannot_be_is_a_named_error(string address) =>
        Assert.IsAssignableFrom<Img2PoseException>(await Record.ExceptionAsync(() => OpenAsync(address)));
}
