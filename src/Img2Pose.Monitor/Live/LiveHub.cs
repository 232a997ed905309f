using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Img2Pose.Monitor.Cameras;

namespace Img2Pose.Monitor.Live;

/// <summary>
/// What all pages see: tiles and poses of all cameras, their state, and events. Everything is made into bytes once; a page that is slow
/// gets the newest of each camera, and slows nobody. Thread-safe.
/// </summary>
internal sealed class LiveHub
{
    private readonly Lock _lock = new();
    private readonly List<LiveClient> _clients = [];

    /// <summary>Pages that look.</summary>
    public int Clients
    {
        get
        {
            lock (_lock) return _clients.Count;
        }
    }

    /// <summary>Begins to look; dispose it to end.</summary>
    public LiveClient Join()
    {
        LiveClient client = new(Leave);
        lock (_lock) _clients.Add(client);
        return client;
    }

    /// <summary>Shows a look at a camera.</summary>
    public void Show(CameraLook look)
    {
        if (Clients == 0) return;
        byte[] message = Describe(look);
        foreach (LiveClient client in All()) client.Poses(look.Camera, message);
    }

    /// <summary>Shows a tile.</summary>
    public void Show(string camera, CameraPicture tile)
    {
        if (Clients == 0) return;
        byte[] message = Tile(camera, tile);
        foreach (LiveClient client in All()) client.Tile(camera, message);
    }

    /// <summary>Shows the state of everything; a newer one takes the place of one that nobody has taken.</summary>
    public void ShowState(byte[] message)
    {
        foreach (LiveClient client in All()) client.State(message);
    }

    /// <summary>Shows a message that is none of these: an event, a change.</summary>
    public void Show(byte[] message)
    {
        foreach (LiveClient client in All()) client.Note(message);
    }

    /// <summary>Takes back what nobody has taken yet of a camera that is another one now, or gone.</summary>
    public void Forget(string camera)
    {
        foreach (LiveClient client in All()) client.Forget(camera);
    }

    /// <summary>A tile as it is sent: 1, the length of the name, the name, the time in milliseconds since 1970 (little-endian double), the JPEG.</summary>
    public static byte[] Tile(string camera, CameraPicture tile)
    {
        byte[] name = Encoding.UTF8.GetBytes(camera), message = new byte[2 + name.Length + 8 + tile.Jpeg.Length];
        (message[0], message[1]) = (1, (byte)name.Length);
        name.CopyTo(message, 2);
        BinaryPrimitives.WriteDoubleLittleEndian(message.AsSpan(2 + name.Length), tile.Time.ToUnixTimeMilliseconds());
        tile.Jpeg.CopyTo(message, 10 + name.Length);
        return message;
    }

    private static byte[] Describe(CameraLook look)
    {
        using MemoryStream memory = new(1024);
        using (Utf8JsonWriter json = new(memory))
        {
            json.WriteStartObject();
            json.WriteString("type", "look");
            json.WriteString("camera", look.Camera);
            json.WriteNumber("time", look.Time.ToUnixTimeMilliseconds());
            json.WriteNumber("width", look.Width);
            json.WriteNumber("height", look.Height);
            json.WriteStartArray("faces");
            foreach (WatchedFace face in look.Faces) Write(json, face);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return memory.ToArray();
    }

    private static void Write(Utf8JsonWriter json, in WatchedFace face)
    {
        json.WriteStartObject();
        json.WriteNumber("id", face.Id);
        json.WriteBoolean("detected", face.Detected);
        json.WriteNumber("score", Math.Round(face.Score, 3));
        WriteNumbers(json, "box", [face.Box.Left, face.Box.Top, face.Box.Right, face.Box.Bottom]);
        json.WriteNumber("yaw", Finite(face.Angles.Yaw));
        json.WriteNumber("pitch", Finite(face.Angles.Pitch));
        json.WriteNumber("roll", Finite(face.Angles.Roll));
        json.WriteNumber("off", Finite(face.OffCamera));
        if (face.Distance is { } distance) json.WriteNumber("distance", Math.Round(distance));
        json.WriteNumber("depth", Finite(face.Depth));
        AxisPoints axes = face.Axes;
        WriteNumbers(json, "axes", [axes.Middle.X, axes.Middle.Y, axes.Right.X, axes.Right.Y, axes.Down.X, axes.Down.Y, axes.Out.X, axes.Out.Y]);
        json.WriteEndObject();
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, ReadOnlySpan<double> values)
    {
        json.WriteStartArray(name);
        foreach (double value in values) json.WriteNumberValue(Finite(value));
        json.WriteEndArray();
    }

    private static double Finite(double value) => double.IsFinite(value) ? Math.Round(value, 1) : 0;

    private LiveClient[] All()
    {
        lock (_lock) return [.. _clients];
    }

    private void Leave(LiveClient client)
    {
        lock (_lock) _clients.Remove(client);
    }
}

/// <summary>One page that looks. Others give, one takes.</summary>
internal sealed class LiveClient(Action<LiveClient> leave) : IDisposable
{
    private const int MostNotes = 200;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, byte[]> _poses = new(StringComparer.Ordinal);
    private readonly Dictionary<string, byte[]> _tiles = new(StringComparer.Ordinal);
    private readonly Queue<byte[]> _notes = new();
    private readonly SemaphoreSlim _news = new(0, 1);
    private byte[]? _state;

    /// <summary>Tiles that were replaced by newer ones before this page took them.</summary>
    public long Missed { get; private set; }

    public void Poses(string camera, byte[] message)
    {
        lock (_lock) _poses[camera] = message;
        Wake();
    }

    public void Tile(string camera, byte[] message)
    {
        lock (_lock)
        {
            if (_tiles.ContainsKey(camera)) Missed++;
            _tiles[camera] = message;
        }
        Wake();
    }

    public void Forget(string camera)
    {
        lock (_lock)
        {
            _poses.Remove(camera);
            _tiles.Remove(camera);
        }
    }

    public void State(byte[] message)
    {
        lock (_lock) _state = message;
        Wake();
    }

    public void Note(byte[] message)
    {
        lock (_lock)
        {
            if (_notes.Count >= MostNotes) _notes.Dequeue();
            _notes.Enqueue(message);
        }
        Wake();
    }

    /// <summary>Waits until there is something, and takes all of it: text and binary messages.</summary>
    public async Task<(List<byte[]> Texts, List<byte[]> Tiles)> TakeAsync(CancellationToken stop)
    {
        await _news.WaitAsync(stop).ConfigureAwait(false);
        lock (_lock)
        {
            List<byte[]> texts = [.. _notes, .. _poses.Values, .. _state is null ? Array.Empty<byte[]>() : [_state]], tiles = [.. _tiles.Values];
            _notes.Clear();
            _poses.Clear();
            _state = null;
            _tiles.Clear();
            return (texts, tiles);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        leave(this);
        _news.Dispose();
    }

    private void Wake()
    {
        lock (_lock)
        {
            try
            {
                if (_news.CurrentCount == 0) _news.Release();
            }
            catch (ObjectDisposedException)
            {
                // It has left meanwhile.
            }
        }
    }
}
