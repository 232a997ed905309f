using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Img2Pose.Core;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Media;
using Img2Pose.Rendering.Windows;

namespace Img2Pose.Pipeline;

/// <summary>
/// What a window's keys save of one source: pictures as PNG with their poses as JSON, and recordings as mp4, under names that tell the
/// time and that no file has yet. Everything is written on threads of its own, whatever the window does.
/// Its calls are the window's, from that thread; disposing waits for what is still being written.
/// </summary>
public sealed class WindowCaptures : IWindowCaptures, IAsyncDisposable
{
    /// <summary>Pictures that may wait for the encoder; older ones are left out.</summary>
    private const int Waiting = 8;

    private readonly string _folder;
    private readonly string _name;
    private readonly IFrameSource _source;
    private readonly CameraView? _camera;
    private readonly VideoWriterOptions _video;
    private readonly Action<string> _say;
    private readonly Lock _lock = new();
    private readonly List<Task> _saving = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private Recording? _recording;

    /// <summary>Creates it; nothing is written yet.</summary>
    /// <param name="folder">Where files go.</param>
    /// <param name="name">Beginning of their names.</param>
    /// <param name="source">The source, for what is known of it.</param>
    /// <param name="camera">The user's camera and the size of heads, or null.</param>
    /// <param name="video">How recordings are encoded.</param>
    /// <param name="say">Told in one line what was saved, or why not; called on any thread.</param>
    public WindowCaptures(string folder, string name, IFrameSource source, CameraView? camera, VideoWriterOptions video, Action<string> say)
    {
        (_folder, _name, _source, _camera, _say) = (folder, name, source, camera, say);
        _video = video with { CopySound = false };
    }

    /// <inheritdoc/>
    public bool IsRecording => _recording is not null;

    /// <inheritdoc/>
    public void Snapshot(VideoFrame picture, ReadOnlySpan<TrackedFace> faces)
    {
        VideoFrame held = picture.AddReference();
        TrackedFace[] copies = faces.ToArray();
        Start(() =>
        {
            using (held)
            {
                string path = FreeName(".png", ".json");
                ImageFile.Write(path, held);
                WritePoses(Path.ChangeExtension(path, ".json"), held, copies);
                _say($"saved {Path.GetFileName(path)} and its poses");
            }
        });
    }

    /// <inheritdoc/>
    public void ToggleRecording(VideoFrame picture)
    {
        lock (_lock)
        {
            if (_recording is { } running)
            {
                _recording = null;
                running.Link.Complete();
                return;
            }
            Recording recording = new(new Link<HeldFrame>("record", Waiting, LinkPolicy.Latest));
            _recording = recording;
            Start(() => Encode(recording));
        }
    }

    /// <inheritdoc/>
    public void Record(VideoFrame picture)
    {
        Recording? recording = _recording;
        if (recording is null) return;
        HeldFrame held = new(picture.AddReference());
        if (!recording.Link.TryWrite(held)) held.Dispose();
    }

    /// <summary>Ends a recording that is under way, and waits for what is being written.</summary>
    public async ValueTask DisposeAsync()
    {
        Task[] saving;
        lock (_lock)
        {
            _recording?.Link.Complete();
            _recording = null;
            saving = [.. _saving];
        }
        await Task.WhenAll(saving).ConfigureAwait(false);
    }

    private void Start(Action work)
    {
        lock (_lock)
        {
            _saving.RemoveAll(task => task.IsCompleted);
            _saving.Add(Task.Factory.StartNew(() => Guard(work), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default));
        }
    }

    private void Guard(Action work)
    {
        try
        {
            work();
        }
        catch (Exception error) when (error is Img2PoseException or IOException or UnauthorizedAccessException)
        {
            _say(error.Message);
        }
    }

    private void Encode(Recording recording)
    {
        try
        {
            string path = FreeName(".mp4");
            long pictures = 0;
            // Times are those of the clock: a recording is of what was shown, whatever the source's own times do.
            using VideoWriter writer = VideoWriter.Create(path, _source, _video with { TimesAreCaptureTimes = true });
            _say($"recording {Path.GetFileName(path)}");
            // A thread of the recording's own, since FFmpeg's calls block: it sleeps until there is a picture or the link is completed.
            while (recording.Link.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
            {
                while (recording.Link.TryRead(out HeldFrame? held))
                {
                    using (held) writer.Write(held.Frame);
                    pictures++;
                }
            }
            writer.Complete();
            // Without a picture there is no file.
            _say(pictures > 0 ? $"saved {Path.GetFileName(path)}" : "nothing was recorded: no picture came meanwhile");
        }
        finally
        {
            lock (_lock)
            {
                if (_recording == recording) _recording = null;
            }
            recording.Link.Complete();
            recording.Link.Drain();
        }
    }

    private void WritePoses(string path, VideoFrame picture, TrackedFace[] faces) =>
        AtomicFile.Write(path, stream =>
        {
            using Utf8JsonWriter json = new(stream, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, Indented = true });
            new FrameJson(json, raw: false, _source.Info.IsLive, _camera).Write(picture, faces, 0, 0);
        });

    /// <summary>A name of this second that none of the endings is taken for, and that nothing else gets.</summary>
    private string FreeName(params ReadOnlySpan<string> endings)
    {
        OutputFolder.Create(_folder);
        string stem = string.Create(CultureInfo.InvariantCulture, $"{_name}-{TimeProvider.System.GetLocalNow():yyyyMMdd-HHmmss}");
        for (int i = 1; ; i++)
        {
            string name = Path.Combine(_folder, i == 1 ? stem : string.Create(CultureInfo.InvariantCulture, $"{stem}-{i}"));
            bool free = true;
            foreach (string ending in endings) free &= FileIdentity.OfName(name + ending) is null;
            // What else is being saved has no file yet.
            lock (_lock) free = free && _names.Add(name);
            if (free) return name + endings[0];
        }
    }

    private sealed record Recording(Link<HeldFrame> Link);

    private sealed class HeldFrame(VideoFrame frame) : IDisposable
    {
        public VideoFrame Frame => frame;

        public void Dispose() => frame.Dispose();
    }
}
