using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Rendering.Overlay;
using Microsoft.Extensions.Logging;

namespace Img2Pose.Rendering.Windows;

/// <summary>How a window of posed pictures is opened. Delegates are called on the window's thread and must return at once.</summary>
public sealed record WindowOptions
{
    /// <summary>Name in the title bar.</summary>
    public string Title { get; init; } = "img2pose";

    /// <summary>What draws faces and lettering; stays the caller's, and is used until the window is disposed.</summary>
    public required OverlayRenderer Renderer { get; init; }

    /// <summary>Makes what scales pictures for the screen; one is made for each feed, which owns it.</summary>
    public required Func<IPictureScaler> Scaler { get; init; }

    /// <summary>What the window is drawn with.</summary>
    public WindowDrawing Drawing { get; init; }

    /// <summary>Told what the window is drawn with; null: nobody.</summary>
    public ILogger? Logger { get; init; }

    /// <summary>What is drawn on the pictures at first; keys change it, for this window only.</summary>
    public OverlayLayers Layers { get; init; } = OverlayLayers.Mesh;

    /// <summary>Opacity of the mesh at first, in [0, 1].</summary>
    public float Alpha { get; init; } = 0.85f;

    /// <summary>
    /// What is drawn on the frames that feeds are given, in the order of layers and opacity; null: nothing. Where the window wants the
    /// same it shows those frames and does not draw again.
    /// </summary>
    public (OverlayLayers Layers, float Alpha)? Drawn { get; init; }

    /// <summary>Whether pictures are shown as in a mirror at first.</summary>
    public bool Mirror { get; init; }

    /// <summary>
    /// A face as the user's camera sees it, given the face and the size of its picture: its pose, and its distance in millimetres. Null:
    /// faces are told as they are, their depth in units of the reference face.
    /// </summary>
    public Func<TrackedFace, int, int, (Pose Pose, double Millimetres)>? Measure { get; init; }

    /// <summary>The user closes the window or asks to quit.</summary>
    public Action? Quit { get; init; }

    /// <summary>The user takes the pose of this moment as the neutral one; returns what to say about it.</summary>
    public Func<string>? Neutral { get; init; }
}

/// <summary>What one picture of a window comes from, and what keys do with it.</summary>
public sealed record WindowFeedOptions
{
    /// <summary>Name of the source, without credentials.</summary>
    public required string Name { get; init; }

    /// <summary>State of the source where it is not simply there, such as "reconnecting in 4 s"; null: as usual. Asked on the window's thread.</summary>
    public Func<string?>? State { get; init; }

    /// <summary>Saves pictures and poses; null: the keys for it do nothing. May be set until the first picture comes.</summary>
    public IWindowCaptures? Captures { get; set; }
}

/// <summary>Saves what a window shows. Called on the window's thread; every call returns at once.</summary>
public interface IWindowCaptures
{
    /// <summary>Whether a recording is under way.</summary>
    bool IsRecording { get; }

    /// <summary>Saves a picture and its poses.</summary>
    /// <param name="picture">With what the window draws, not mirrored; who needs it beyond the call adds a reference.</param>
    /// <param name="faces">The faces in it; valid during the call.</param>
    void Snapshot(VideoFrame picture, ReadOnlySpan<TrackedFace> faces);

    /// <summary>Begins a recording, or ends one and makes it whole.</summary>
    /// <param name="picture">A picture as it will be recorded, for size and format.</param>
    void ToggleRecording(VideoFrame picture);

    /// <summary>Adds a picture to the recording under way.</summary>
    /// <param name="picture">With what the window draws, not mirrored; who needs it beyond the call adds a reference.</param>
    void Record(VideoFrame picture);
}
