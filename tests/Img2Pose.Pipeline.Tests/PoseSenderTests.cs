using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Pipeline.Tests;

/// <summary>What other programs are told. The reader here is written from the protocol's text: six little-endian doubles x, y, z, yaw, pitch, roll.</summary>
public class PoseSenderTests
{
    private const double UnitMillimetres = 100;

    /// <summary>A face that looks at the camera from a metre's distance, straight in the middle.</summary>
    private static readonly Pose s_ahead = new(default, new Vector3d(0, 0, 10));

    // The nose points to −z. A person's own left is on the right of the picture: +x.
    [Fact]
    public void Turning_to_the_own_left_is_positive_yaw() => Only(Decode(Turned(y: -20)), yaw: 20);

    [Fact]
    public void Nodding_down_is_negative_pitch() => Only(Decode(Turned(x: 15)), pitch: -15);

    [Fact]
    public void Tilting_to_the_right_shoulder_is_negative_roll() => Only(Decode(Turned(z: -10)), roll: -10);

    [Fact]
    public void Moving_nearer_lessens_z_by_centimetres()
    {
        double far = Decode(s_ahead)[2], near = Decode(s_ahead with { Translation = new Vector3d(0, 0, 8) })[2];

        Assert.Equal((100, 80), (far, near));
    }

    [Fact]
    public void Moving_to_the_own_right_and_up_is_positive()
    {
        double[] moved = Decode(s_ahead with { Translation = new Vector3d(-1, -0.5, 10) });

        Assert.Equal((10, 5), (moved[0], moved[1]));
    }

    [Fact]
    public void The_head_points_where_the_angles_say()
    {
        // The directions that the tests above take for granted, from the geometry of the face itself.
        Vector3d NoseOf(Pose pose) => RotationVector.ToMatrix(pose.Rotation) * new Vector3d(0, 0, -1);
        Assert.True(NoseOf(Turned(y: -20)).X > 0.3, "the own left is on the right of the picture");
        Assert.True(NoseOf(Turned(x: 15)).Y > 0.2, "down is down in the picture");
        Vector3d crown = RotationVector.ToMatrix(Turned(z: -10).Rotation) * new Vector3d(0, -1, 0);
        Assert.True(crown.X < -0.1, "the own right shoulder is on the left of the picture");
    }

    [Fact]
    public void Poses_are_told_against_the_neutral_one()
    {
        Pose neutral = new(new Vector3d(0.2, 0, 0), new Vector3d(1, 2, 8));
        Pose turned = new(RotationVector.Compose(neutral.Rotation, new Vector3d(0, double.DegreesToRadians(-25), 0)), new Vector3d(1, 2, 7));
        byte[] datagram = new byte[HeadPosition.DatagramSize];

        HeadPosition.Of(turned, neutral, UnitMillimetres).Write(datagram);

        double[] told = Decode(datagram);
        Assert.Equal(-10, told[2], 9);
        Assert.Equal(25, told[3], 9);
        Assert.Equal(0, told[4], 9);
    }

    [Fact]
    public async Task A_datagram_arrives_for_every_frame_with_a_face()
    {
        using UdpClient receiver = new(new IPEndPoint(IPAddress.Loopback, 0));
        using PoseSender sender = await PoseSender.OpenAsync(Target("opentrack", receiver), new PoseSenderOptions { Neutral = new NeutralPose(atFirst: true) }, TestContext.Current.CancellationToken);
        using FramePool pool = new();
        using VideoFrame frame = pool.Rent(PixelFormat.I420, 64, 48);

        sender.Write(frame, [Face(1, s_ahead)]);
        sender.Write(frame, []);
        sender.Write(frame, [Face(1, Turned(y: -30))]);

        double[] first = Decode(await ReceiveAsync(receiver)), second = Decode(await ReceiveAsync(receiver));
        Assert.All(first, value => Assert.Equal(0, value, 9));
        Assert.Equal(30, second[3], 6);
        Assert.Equal(0, receiver.Available);
    }

    [Fact]
    public async Task A_datagram_of_JSON_is_the_frame_with_its_camera()
    {
        using UdpClient receiver = new(new IPEndPoint(IPAddress.Loopback, 0));
        using PoseSender sender = await PoseSender.OpenAsync(Target("json", receiver), new PoseSenderOptions { Camera = new CameraView(headSize: 90) }, TestContext.Current.CancellationToken);
        using FramePool pool = new();
        using VideoFrame frame = pool.Rent(PixelFormat.I420, 64, 48);
        frame.Index = 12;

        sender.Write(frame, [Face(1, s_ahead), Face(2, s_ahead)]);
        sender.Write(frame, []);

        using JsonDocument told = JsonDocument.Parse(await ReceiveAsync(receiver));
        JsonElement root = told.RootElement;
        Assert.Equal(12, root.GetProperty("index").GetInt32());
        Assert.Equal(112, root.GetProperty("intrinsics").GetProperty("f").GetDouble());
        Assert.Equal(2, root.GetProperty("faces").GetArrayLength());
        Assert.Equal(10 * new CameraView(headSize: 90).MillimetresPerUnit, root.GetProperty("faces")[0].GetProperty("translation_mm")[2].GetDouble(), 3);
        using JsonDocument empty = JsonDocument.Parse(await ReceiveAsync(receiver));
        Assert.Equal(0, empty.RootElement.GetProperty("faces").GetArrayLength());
    }

    [Fact]
    public async Task Nobody_listening_is_no_error_and_a_frame_allocates_nothing()
    {
        using UdpClient gone = new(new IPEndPoint(IPAddress.Loopback, 0));
        SendTarget target = Target("opentrack", gone);
        gone.Dispose();
        using PoseSender sender = await PoseSender.OpenAsync(target, new PoseSenderOptions { Camera = new CameraView(fieldOfView: 70) }, TestContext.Current.CancellationToken);
        using FramePool pool = new();
        using VideoFrame frame = pool.Rent(PixelFormat.I420, 64, 48);
        TrackedFace[] faces = [Face(1, s_ahead)];
        for (int i = 0; i < 10; i++) sender.Write(frame, faces);

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) sender.Write(frame, faces);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1000);
    }

    [Fact]
    public async Task A_host_that_is_not_there_is_named()
    {
        OutputException error = await Assert.ThrowsAsync<OutputException>(() => PoseSender.OpenAsync(new SendTarget(SendProtocol.Json, "nobody.invalid", 5000), new PoseSenderOptions(), TestContext.Current.CancellationToken));

        Assert.Contains("nobody.invalid", error.Message);
    }

    [Theory]
    [InlineData("opentrack:localhost", "opentrack:localhost:4242")]
    [InlineData("opentrack:10.0.0.5:5000", "opentrack:10.0.0.5:5000")]
    [InlineData("json:[::1]:9000", "json:[::1]:9000")]
    [InlineData("opentrack:[fe80::1]", "opentrack:[fe80::1]:4242")]
    public void Targets_are_read(string text, string same) => Assert.Equal(same, SendTarget.Parse(text).ToString());

    [Theory]
    [InlineData("freetrack:localhost:1", "protocol is unknown")]
    [InlineData("localhost", "protocol is unknown")]
    [InlineData("opentrack", "names no host")]
    [InlineData("opentrack::4242", "names no host")]
    [InlineData("json:localhost", "needs a port")]
    [InlineData("json:localhost:", "needs a port")]
    [InlineData("json:localhost:70000", "needs a port")]
    [InlineData("opentrack:localhost:x", "needs a port")]
    public void What_is_no_target_is_named(string text, string part) =>
        Assert.Contains(part, Assert.Throws<UsageException>(() => SendTarget.Parse(text)).Message);

    [Fact]
    public void The_largest_face_stays_the_one_until_another_is_clearly_larger()
    {
        FaceChoice choice = FaceChoice.Parse("largest");

        Assert.Equal(0, choice.Choose([Face(1, s_ahead, 100), Face(2, s_ahead, 90)]));
        Assert.Equal(0, choice.Choose([Face(1, s_ahead, 90), Face(2, s_ahead, 100)]));
        Assert.Equal(1, choice.Choose([Face(1, s_ahead, 60), Face(2, s_ahead, 100)]));
        Assert.Equal(-1, choice.Choose([]));
        Assert.Equal(1, FaceChoice.Parse("7").Choose([Face(3, s_ahead), Face(7, s_ahead)]));
        Assert.Equal(1, FaceChoice.Parse("nearest").Choose([Face(3, s_ahead), Face(7, s_ahead with { Translation = new Vector3d(0, 0, 4) })]));
        Assert.Throws<UsageException>(() => FaceChoice.Parse("prettiest"));
    }

    private static SendTarget Target(string protocol, UdpClient receiver) =>
        SendTarget.Parse(string.Create(CultureInfo.InvariantCulture, $"{protocol}:127.0.0.1:{((IPEndPoint)receiver.Client.LocalEndPoint!).Port}"));

    private static async Task<byte[]> ReceiveAsync(UdpClient receiver) =>
        (await receiver.ReceiveAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken)).Buffer;

    private static Pose Turned(double x = 0, double y = 0, double z = 0) =>
        s_ahead with { Rotation = new Vector3d(double.DegreesToRadians(x), double.DegreesToRadians(y), double.DegreesToRadians(z)) };

    private static TrackedFace Face(int id, Pose pose, double side = 20) => new(id, new FaceDetection(new Box(0, 0, side, side), 0.9, pose), pose, Detected: true);

    private static double[] Decode(Pose pose)
    {
        byte[] datagram = new byte[HeadPosition.DatagramSize];
        HeadPosition.Of(pose, null, UnitMillimetres).Write(datagram);
        return Decode(datagram);
    }

    private static double[] Decode(byte[] datagram)
    {
        Assert.Equal(48, datagram.Length);
        return [.. Enumerable.Range(0, 6).Select(i =>
        {
            byte[] value = datagram[(8 * i)..(8 * i + 8)];
            if (!BitConverter.IsLittleEndian) Array.Reverse(value);
            return BitConverter.ToDouble(value);
        })];
    }

    private static void Only(double[] told, double yaw = 0, double pitch = 0, double roll = 0)
    {
        Assert.Equal(yaw, told[3], 9);
        Assert.Equal(pitch, told[4], 9);
        Assert.Equal(roll, told[5], 9);
    }
}
