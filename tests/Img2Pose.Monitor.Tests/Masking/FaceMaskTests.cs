using System.Net.WebSockets;
using System.Text;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Media;
using Img2Pose.Monitor.Masking;
using Img2Pose.Monitor.Storage;
using Img2Pose.Testing;
using Microsoft.Data.Sqlite;
using OpenCvSharp;

namespace Img2Pose.Monitor.Tests.Masking;

/// <summary>
/// A camera whose faces nobody may see: a face detector of another kind, OpenCV's cascade, goes over everything that is stored and served.
/// </summary>
public sealed class FaceMaskTests : IDisposable
{
    private const string Cascade = "/usr/share/opencv4/haarcascades/haarcascade_frontalface_alt2.xml";

    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-masks").FullName;

    private static CancellationToken Never => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Faces that OpenCV's cascade finds in a picture.</summary>
    private static Rect[] Find(CascadeClassifier cascade, VideoFrame frame)
    {
        string path = Path.Combine(Path.GetTempPath(), $"img2pose-mask-{Guid.NewGuid():N}.png");
        try
        {
            ImageFile.Write(path, frame);
            using Mat picture = Cv2.ImRead(path, ImreadModes.Grayscale);
            return cascade.DetectMultiScale(picture, 1.1, 3, HaarDetectionTypes.ScaleImage, new Size(28, 28));
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>Pictures of a video in which the cascade finds a face, and the number of pictures.</summary>
    private static (int WithFace, int All) Count(CascadeClassifier cascade, string path, int every = 1)
    {
        using IFrameSource source = MediaSource.Open(path);
        int found = 0, all = 0;
        for (int i = 0; source.TryRead(out VideoFrame? frame); i++)
        {
            using (frame)
            {
                if (i % every != 0) continue;
                all++;
                if (Find(cascade, frame).Length > 0) found++;
            }
        }
        return (found, all);
    }

    private static CascadeClassifier OpenCascade()
    {
        Assert.True(File.Exists(Cascade), $"{Cascade} is missing; scripts/apt-packages-test.txt has its package, opencv-data");
        return new CascadeClassifier(Cascade);
    }

    [Fact]
    public async Task No_face_of_a_masked_camera_is_stored_or_served()
    {
        // A person who signs: turns, nods, hands before the face.
        string clip = SharedData.Require("media", "asl_brother.mkv");
        using CascadeClassifier cascade = OpenCascade();
        (int withFace, int all) = Count(cascade, clip, every: 5);
        Assert.True(withFace > all / 3, $"the cascade finds a face in {withFace} of {all} pictures of the original");
        await using MonitorHost host = await MonitorHost.StartAsync($$"""
            cameras:
              - { name: hidden, url: "{{clip}}", looks: 5, mask: true }
            rules:
              - { name: here, when: appears, before: 2s, after: 2s }
            """);
        using ClientWebSocket live = await LiveMonitorTests.OpenAsync(host, "/api/live"), video = await LiveMonitorTests.OpenAsync(host, "/api/cameras/hidden/video");
        using Stream mjpeg = await host.Client.GetStreamAsync("/api/cameras/hidden/mjpeg", Never);
        List<byte[]> pictures = [];
        using MemoryStream served = new();
        Task watching = Task.Run(async () =>
        {
            (_, byte[] _) = await LiveMonitorTests.ReceiveAsync(video);
            for (int i = 0; i < 30; i++)
            {
                (bool isText, byte[] data) = await LiveMonitorTests.ReceiveAsync(video);
                if (!isText) served.Write(data);
            }
        }, Never);
        while (pictures.Count < 6)
        {
            (bool isText, byte[] data) = await LiveMonitorTests.ReceiveAsync(live);
            if (!isText) pictures.Add(data[(10 + data[1])..]);
        }
        await watching;
        pictures.AddRange(await ReadMjpegAsync(mjpeg, 5));
        pictures.Add(await host.Client.GetByteArrayAsync("/api/cameras/hidden/snapshot.jpg", Never));
        await host.UntilAsync(() => host.Service.Store.Files.All().Any(file => file.Extension == ".mp4") && host.Service.Store.Files.All().Any(file => file.Extension == ".jpg"), "a clip and a snapshot");

        string path = Path.Combine(_folder, "served.mp4");
        await File.WriteAllBytesAsync(path, served.ToArray(), Never);
        (int seen, int pictured) = Count(cascade, path);
        Assert.True(pictured >= 25 && seen == 0, $"{seen} faces in {pictured} pictures of the live view");
        foreach (byte[] jpeg in pictures)
        {
            using VideoFrame picture = ImageFile.Decode(jpeg, "served");
            Assert.Empty(Find(cascade, picture));
        }
        foreach (FileInfo file in host.Service.Store.Files.All().ToArray())
        {
            if (file.Extension == ".jpg")
            {
                using VideoFrame picture = ImageFile.Read(file.FullName);
                Assert.Empty(Find(cascade, picture));
                continue;
            }
            (seen, pictured) = Count(cascade, file.FullName);
            Assert.True(pictured > 0 && seen == 0, $"{seen} faces in {pictured} pictures of the clip {file.Name}");
        }
        // It still knows that somebody is there.
        using SqliteConnection connection = host.Service.Store.OpenToRead();
        Assert.NotEmpty(EventQuery.Events(connection, new EventFilter()));
        Assert.False(host.Service.Hub.Find("hidden")!.Status.PassesThrough);
    }

    private static async Task<List<byte[]>> ReadMjpegAsync(Stream stream, int count)
    {
        List<byte[]> pictures = [];
        while (pictures.Count < count)
        {
            StringBuilder header = new();
            byte[] one = new byte[1];
            while (!header.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
            {
                await stream.ReadExactlyAsync(one, Never);
                header.Append((char)one[0]);
            }
            string text = header.ToString();
            int begin = text.IndexOf("Content-Length: ", StringComparison.Ordinal) + 16;
            byte[] jpeg = new byte[int.Parse(text[begin..text.IndexOf('\r', begin)], System.Globalization.CultureInfo.InvariantCulture)];
            await stream.ReadExactlyAsync(jpeg, Never);
            pictures.Add(jpeg);
        }
        return pictures;
    }

    private static VideoFrame Frame(FramePool pool, PixelFormat format, byte value, double time)
    {
        VideoFrame frame = pool.Rent(format, 320, 240);
        for (int plane = 0; plane < frame.PlaneCount; plane++)
        {
            for (int y = 0; y < frame.GetPlane(plane).Height; y++) frame.GetPlane(plane).Row(y).Fill(value);
        }
        frame.PresentationTime = time;
        return frame;
    }

    private static TrackedFace Face(int id, double left, double top, double size, bool detected = true)
    {
        FaceDetection face = new(new Box(left, top, left + size, top + size), 0.9, default);
        return new TrackedFace(id, face, default, detected);
    }

    /// <summary>Plays looks through the covers and gives the brightness at a place of each picture that comes out.</summary>
    private static List<(double Time, byte Value)> Play(int x, int y, params (double Time, bool LookedAt, TrackedFace[] Faces)[] looks)
    {
        using FramePool pool = new();
        using FaceCovers covers = new();
        List<(double, byte)> values = [];
        foreach ((double time, bool lookedAt, TrackedFace[] faces) in looks)
        {
            using VideoFrame frame = Frame(pool, PixelFormat.I420, 200, time);
            if (covers.Next(frame, faces, lookedAt, time) is not { } composed) continue;
            using (composed.Frame) values.Add((composed.Frame.PresentationTime!.Value, composed.Frame.GetPlane(0).Row(y)[x]));
        }
        return values;
    }

    [Fact]
    public void A_picture_that_was_not_looked_at_is_withheld()
    {
        var shown = Play(10, 10, (0.0, true, []), (0.2, false, []), (0.4, true, []), (0.6, true, []), (0.8, true, []), (1.0, true, []));

        Assert.Equal([0.0, 0.4, 0.6], shown.Select(picture => picture.Time));
    }

    [Fact]
    public void A_face_is_covered_in_the_pictures_before_it_was_found_and_for_a_while_after_it_was_lost()
    {
        // Found in the look at 0.4 alone.
        var shown = Play(100, 100, (0.0, true, []), (0.2, true, []), (0.4, true, [Face(0, 80, 80, 40)]), (0.6, true, []), (0.8, true, []), (1.0, true, []), (1.2, true, []), (3.0, true, []), (3.2, true, []), (3.4, true, []), (3.6, true, []));

        Assert.All(shown.Where(picture => picture.Time < 1.5), picture => Assert.NotEqual(200, picture.Value));
        Assert.All(shown.Where(picture => picture.Time > 2.5), picture => Assert.Equal(200, picture.Value));
        Assert.Contains(shown, picture => picture.Time > 2.5);
    }

    [Theory]
    // An outage after the third look; looks that are rarer than covers are kept for.
    [InlineData(0.2, 0.4, 10.4, 10.6, 10.8)]
    [InlineData(2.5, 5.0, 7.5, 10.0, 12.5)]
    [InlineData(10.0, 20.0, 30.0, 40.0, 50.0)]
    public void A_face_is_covered_in_its_own_picture_however_long_the_next_looks_take(params double[] times)
    {
        TrackedFace[] face = [Face(1, 80, 80, 40)], nobody = [];

        var shown = Play(100, 100, [(0.0, true, face), .. times.Select((time, i) => (time, true, i < 2 ? face : nobody))]);

        Assert.Equal([0.0, times[0], times[1], times[2]], shown.Select(picture => picture.Time));
        // In the last one nobody was found, but where somebody was in the picture before it.
        Assert.All(shown, picture => Assert.NotEqual(200, picture.Value));
    }

    [Fact]
    public void A_picture_whose_next_looks_come_much_too_late_is_withheld()
    {
        TrackedFace[] face = [Face(1, 80, 80, 40)];

        var shown = Play(100, 100, (0.0, true, face), (0.2, true, face), (0.4, true, face), (100.0, true, []), (100.2, true, []), (100.4, true, []), (0.6, true, []), (0.8, true, []), (1.0, true, []));

        // Also where time goes back.
        Assert.Equal([0.0, 100.0, 0.6], shown.Select(picture => picture.Time));
    }

    [Theory]
    [InlineData(0, true, 2.0)]
    [InlineData(3, false, 2.0)]
    [InlineData(3, true, 1.4)]
    public void A_face_that_is_not_certainly_tracked_has_a_larger_cover(int id, bool detected, double factor)
    {
        // At so many half widths to the left of the middle it is still covered; at one more it is not.
        int edge = 160 - (int)(20 * factor);

        Assert.NotEqual(200, Play(edge + 2, 120, (0, true, [Face(id, 140, 100, 40, detected)]), (0.2, true, []), (0.4, true, []))[0].Value);
        Assert.Equal(200, Play(160 - 48, 120, (0, true, [Face(id, 140, 100, 40, detected)]), (0.2, true, []), (0.4, true, []))[0].Value);
    }

    [Theory]
    [InlineData(PixelFormat.I420)]
    [InlineData(PixelFormat.Nv12)]
    [InlineData(PixelFormat.I420P10)]
    [InlineData(PixelFormat.Rgb24)]
    public void What_is_painted_over_is_one_grey_in_every_format(PixelFormat format)
    {
        using FramePool pool = new();
        using VideoFrame frame = Frame(pool, format, 200, 0);
        // A gradient, so that anything left of it shows.
        for (int y = 0; y < 240; y++)
        {
            Span<byte> row = frame.GetPlane(0).Row(y);
            for (int x = 0; x < row.Length; x++) row[x] = format == PixelFormat.I420P10 && x % 2 == 1 ? (byte)1 : (byte)(x * 7 + y * 13);
        }

        PicturePainter.Fill(frame, [(50, 40), (150.5, 45), (140, 160), (40, 150)], 70);

        int bytes = frame.GetPlane(0).BytesPerElement;
        byte[] first = frame.GetPlane(0).Row(100).Slice(60 * bytes, bytes).ToArray();
        for (int y = 50; y < 145; y++)
        {
            for (int x = 55; x < 138; x++) Assert.Equal(first, frame.GetPlane(0).Row(y).Slice(x * bytes, bytes).ToArray());
        }
        for (int plane = 1; plane < frame.PlaneCount; plane++)
        {
            int wide = frame.GetPlane(plane).BytesPerElement;
            byte[] grey = frame.GetPlane(plane).Row(50).Slice(35 * wide, wide).ToArray();
            Assert.NotEqual(200, grey[0]);
            for (int y = 25; y < 72; y++) Assert.Equal(grey, frame.GetPlane(plane).Row(y).Slice(40 * wide, wide).ToArray());
        }
    }

    [Fact]
    public async Task Areas_that_nobody_may_see_are_black_in_all_that_is_served()
    {
        await using MonitorHost host = await MonitorHost.StartAsync("cameras:\n  - { name: a, url: \"lavfi:color=white:size=320x240:rate=10\", looks: 5, masks: [[[0, 0], [0.5, 0], [0.5, 1], [0, 1]]] }\n");
        await host.UntilLookedAtAsync("a");
        await host.UntilAsync(() => host.Service.Hub.Find("a")!.Pictures.Tile is not null, "a tile");

        using VideoFrame tile = ImageFile.Decode(await host.Client.GetByteArrayAsync("/api/cameras/a/snapshot.jpg", Never), "tile");

        Assert.InRange(tile.GetPlane(0).Row(120)[3 * 60], 0, 8);
        Assert.InRange(tile.GetPlane(0).Row(120)[3 * 260], 247, 255);
        Assert.True(host.Service.Hub.Find("a")!.Configuration.IsComposed);
    }
}
