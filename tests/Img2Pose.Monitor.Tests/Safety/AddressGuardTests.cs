using System.Net;
using System.Net.Sockets;
using Img2Pose.Monitor.Safety;

namespace Img2Pose.Monitor.Tests.Safety;

public class AddressGuardTests
{
    [Theory]
    [InlineData("169.254.169.254", false)]
    [InlineData("169.254.0.1", false)]
    [InlineData("::ffff:169.254.169.254", false)]
    [InlineData("64:ff9b::a9fe:a9fe", false)]
    [InlineData("2002:a9fe:a9fe::1", false)]
    [InlineData("64:ff9b:1::a9fe:a9fe", false)]
    [InlineData("::169.254.169.254", false)]
    [InlineData("::1", true)]
    [InlineData("fe80::1", false)]
    [InlineData("fd00:ec2::254", false)]
    [InlineData("100.100.100.200", false)]
    [InlineData("168.63.129.16", false)]
    [InlineData("::ffff:0:169.254.169.254", false)]
    [InlineData("::ffff:0:192.168.1.20", true)]
    [InlineData("0.0.0.0", false)]
    [InlineData("::", false)]
    [InlineData("239.1.2.3", false)]
    [InlineData("192.168.1.20", true)]
    [InlineData("10.0.0.1", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("fd12::1", true)]
    [InlineData("2001:db8::1", true)]
    public void Link_local_and_metadata_addresses_are_refused_in_every_disguise(string address, bool allowed) =>
        Assert.Equal(allowed, new AddressGuard().IsAllowed(IPAddress.Parse(address)));

    [Fact]
    public void What_is_allowed_by_name_is_reached()
    {
        AddressGuard guard = new() { Allowed = [IPNetwork.Parse("169.254.7.0/24")] };

        Assert.True(guard.IsAllowed(IPAddress.Parse("169.254.7.9")));
        Assert.False(guard.IsAllowed(IPAddress.Parse("169.254.8.9")));
    }

    [Fact]
    public async Task A_name_with_a_good_and_a_bad_address_is_not_trusted()
    {
        AddressGuard guard = new((_, _) => Task.FromResult<IPAddress[]>([IPAddress.Loopback, IPAddress.Parse("169.254.169.254")]));

        InputException error = await Assert.ThrowsAsync<InputException>(() => guard.ResolveAsync("camera.example", TestContext.Current.CancellationToken));

        Assert.Contains("169.254.169.254", error.Message);
    }

    [Fact]
    public async Task A_name_that_comes_to_mean_another_place_is_checked_at_every_connection()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        int asked = 0;
        AddressGuard guard = new((_, _) => Task.FromResult<IPAddress[]>([++asked == 1 ? IPAddress.Loopback : IPAddress.Parse("169.254.169.254")]));
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;

        await using (NetworkStream first = await guard.ConnectAsync("camera.example", port, TestContext.Current.CancellationToken)) Assert.True(first.Socket.Connected);

        await Assert.ThrowsAsync<InputException>(() => guard.ConnectAsync("camera.example", port, TestContext.Current.CancellationToken));
    }
}
