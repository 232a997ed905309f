using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Img2Pose.Geometry;

namespace Img2Pose.Rendering.Windows;

/// <summary>The words of a window. Written into memory that is there: they change four times a second.</summary>
internal static class WindowStatus
{
    /// <summary>What the keys do.</summary>
    public const string Help = """
        q, esc   quit
        space   pause this window
        s   save a picture and its poses
        r   record on, off
        m b x p l   mesh, box, axes, points, label
        o   opacity of the mesh
        i   mirror
        f   whole screen
        c   this pose is the neutral one (--send)
        h   this help
        """;

    /// <summary>Writes the status line: what stands to the right comes after a tab, and what is left out first after another.</summary>
    /// <param name="text">Where to.</param>
    /// <param name="feeds">The pictures.</param>
    /// <param name="view">What is drawn.</param>
    /// <param name="paused">Whether the window stands still.</param>
    /// <param name="alert">A message or the state of the only source, or null.</param>
    /// <param name="measure">A face as the user's camera sees it; null: as it is.</param>
    /// <returns>Characters written.</returns>
    public static int Write(
        Span<char> text, ReadOnlySpan<WindowFeed> feeds, in WindowView view, bool paused, string? alert, Func<TrackedFace, int, int, (Pose Pose, double Millimetres)>? measure)
    {
        Writer writer = new(text);
        double rate = 0, age = 0;
        int faces = 0;
        bool recording = false;
        TrackedFace? nearest = null;
        (int Width, int Height) size = default;
        foreach (WindowFeed feed in feeds)
        {
            rate += feed.Pace.FramesPerSecond;
            age = Math.Max(age, feed.Pace.Age);
            faces += feed.Faces.Length;
            recording |= feed.Options.Captures is { IsRecording: true };
            foreach (ref readonly TrackedFace face in feed.Faces)
            {
                if (nearest is { } known && known.Face.Pose.Translation.Z <= face.Face.Pose.Translation.Z) continue;
                nearest = face;
                size = feed.Size;
            }
        }
        if (feeds.Length == 1 && feeds[0].Frame is null) writer.Add(feeds[0].Options.Name);
        else writer.Add(rate, "0.0").Add(" fps  age ").Add(1000 * age, "0").Add(" ms  ").Add(faces, "0").Add(faces == 1 ? " face" : " faces");
        int length = writer.Length;
        if (nearest is { } shown) length += WriteFace(text[length..], shown, size, measure);
        int words = length;
        writer = new Writer(text[length..]);
        writer.Add("\t");
        if (alert is not null) writer.Add(alert).Add("  ");
        if (paused) writer.Add("paused  ");
        if (recording) writer.Add("rec  ");
        if (view.Mirror) writer.Add("mirror  ");
        if (alert is null) writer.Add("\th help");
        return words + writer.Length;
    }

    /// <summary>Writes which face it is, how it is turned and how far away it is; each part after two spaces.</summary>
    /// <param name="text">Where to.</param>
    /// <param name="face">The face.</param>
    /// <param name="size">Size of its picture, displayed pixels.</param>
    /// <param name="measure">The face as the user's camera sees it; null: as it is.</param>
    /// <returns>Characters written.</returns>
    public static int WriteFace(Span<char> text, in TrackedFace face, (int Width, int Height) size, Func<TrackedFace, int, int, (Pose Pose, double Millimetres)>? measure)
    {
        Writer writer = new(text);
        (Pose Pose, double Millimetres)? measured = measure?.Invoke(face, size.Width, size.Height);
        Pose pose = measured?.Pose ?? face.Face.Pose;
        EulerAngles angles = EulerAngles.FromRotationVector(pose.Rotation);
        if (face.Id > 0) writer.Add("  #").Add(face.Id, "0");
        const string Signed = "+0;-0;0";
        writer.Add("  yaw ").Add(angles.Yaw, Signed).Add(" pitch ").Add(angles.Pitch, Signed).Add(" roll ").Add(angles.Roll, Signed);
        if (measured is { } known) writer.Add("  ").Add(known.Millimetres / 1000, "0.00").Add(" m");
        // Without a camera's numbers there is no scale: the depth in units of the reference face.
        else writer.Add("  z ").Add(pose.Translation.Z, "0.0");
        return writer.Length;
    }

    /// <summary>Writes what stands in the corner of one picture of several: its name, and after a tab its state, which has precedence.</summary>
    public static int WriteCaption(Span<char> text, WindowFeed feed, string? state)
    {
        Writer writer = new(text);
        writer.Add(feed.Options.Name);
        if (state is not null) writer.Add("\t").Add(state);
        return writer.Length;
    }

    /// <summary>Appends as long as there is room.</summary>
    private ref struct Writer(Span<char> text)
    {
        private readonly Span<char> _text = text;

        public int Length { get; private set; }

        [UnscopedRef]
        public ref Writer Add(ReadOnlySpan<char> words)
        {
            words = words[..Math.Min(words.Length, _text.Length - Length)];
            words.CopyTo(_text[Length..]);
            Length += words.Length;
            return ref this;
        }

        [UnscopedRef]
        public ref Writer Add(double value, ReadOnlySpan<char> format)
        {
            if (value.TryFormat(_text[Length..], out int written, format, CultureInfo.InvariantCulture)) Length += written;
            return ref this;
        }
    }
}
