namespace Img2Pose.Media;

/// <summary>
/// By which way a source of the network is reached where somebody watches over where connections go. FFmpeg resolves names and follows
/// servers without asking; it is given addresses, or a way through this program, instead. Thread-safe; lives longer than its source.
/// </summary>
internal interface ILiveRoute
{
    /// <summary>Options of FFmpeg's protocols, besides those of <see cref="SourceRules"/>.</summary>
    IReadOnlyList<(string Key, string Value)> Options { get; }

    /// <summary>
    /// What FFmpeg is given for the connection that begins now. On the connection's own thread; waits no longer than
    /// <paramref name="patience"/> or the token.
    /// </summary>
    /// <exception cref="LiveFailureException">Its name cannot be resolved, or where it leads may not be reached.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    LiveAddress Resolve(LiveAddress address, TimeSpan patience, CancellationToken stop);

    /// <summary>Connects to the source's host, to find out what FFmpeg does not tell.</summary>
    /// <exception cref="IOException">It cannot be, or may not be.</exception>
    Task<Stream> ConnectAsync(string host, int port, CancellationToken stop);
}
