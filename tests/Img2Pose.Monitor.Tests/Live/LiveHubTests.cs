using System.Text;
using Img2Pose.Monitor.Cameras;
using Img2Pose.Monitor.Live;

namespace Img2Pose.Monitor.Tests.Live;

public class LiveHubTests
{
    [Fact]
    public async Task A_page_that_takes_nothing_for_a_while_gets_the_newest_of_each_and_costs_a_bounded_amount()
    {
        LiveHub hub = new();
        using LiveClient client = hub.Join();

        for (int i = 0; i < 1000; i++)
        {
            hub.ShowState(Encoding.UTF8.GetBytes($"state {i}"));
            hub.Show(Encoding.UTF8.GetBytes($"note {i}"));
            hub.Show("door", new CameraPicture([1, (byte)i], DateTimeOffset.UnixEpoch, i));
            hub.Show(new CameraLook("door", null, [], 640, 360, DateTimeOffset.UnixEpoch.AddMilliseconds(i), 0));
        }

        (List<byte[]> texts, List<byte[]> tiles) = await client.TakeAsync(TestContext.Current.CancellationToken);
        string[] said = [.. texts.Select(Encoding.UTF8.GetString)];
        Assert.Equal("state 999", Assert.Single(said, text => text.StartsWith("state", StringComparison.Ordinal)));
        Assert.Equal(200, said.Count(text => text.StartsWith("note", StringComparison.Ordinal)));
        Assert.Contains("\"time\":999", Assert.Single(said, text => text.Contains("\"look\"", StringComparison.Ordinal)));
        Assert.Equal(unchecked((byte)999), Assert.Single(tiles)[^1]);
        Assert.Equal(999, client.Missed);
    }

    [Fact]
    public void A_page_that_has_left_is_shown_nothing()
    {
        LiveHub hub = new();
        LiveClient client = hub.Join();
        client.Dispose();

        hub.ShowState([1]);

        Assert.Equal(0, hub.Clients);
    }
}
