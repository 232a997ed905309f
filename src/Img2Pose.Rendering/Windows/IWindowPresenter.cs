namespace Img2Pose.Rendering.Windows;

/// <summary>Puts pictures and panels on a window. Used by the window's thread.</summary>
internal interface IWindowPresenter : IDisposable
{
    /// <summary>How it draws, for people.</summary>
    string Name { get; }

    /// <summary>Begins a picture of the whole window; false where there is nothing to draw on now.</summary>
    /// <param name="clear">Whether what was there is covered with black.</param>
    bool Begin(bool clear);

    /// <summary>Draws a feed's picture where the feed has its place.</summary>
    void Draw(WindowFeed feed, in WindowView view);

    /// <summary>Whether a picture that has not changed must be drawn again in each <see cref="Begin"/>.</summary>
    bool DrawsAll { get; }

    /// <summary>Draws a panel with its upper left corner at a place.</summary>
    void Draw(TextPanel panel, int x, int y);

    /// <summary>Lets it be seen.</summary>
    void Present();
}
