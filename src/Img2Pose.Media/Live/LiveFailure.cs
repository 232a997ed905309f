namespace Img2Pose.Media;

/// <summary>What can be done about a live source that gives no pictures.</summary>
internal enum LiveFailureKind
{
    /// <summary>It may be back after a while.</summary>
    Lost,

    /// <summary>Its sender ended it.</summary>
    Ended,

    /// <summary>It refused user name or password.</summary>
    Password,

    /// <summary>Waiting alone does not cure it: at the first opening that is the end.</summary>
    Incurable,
}

/// <summary>Why a connection to a live source ended.</summary>
/// <param name="Kind">What can be done.</param>
/// <param name="Reason">In a few words, without the source's name.</param>
internal sealed record LiveFailure(LiveFailureKind Kind, string Reason);

/// <summary>Ends a connection; never leaves this namespace.</summary>
internal sealed class LiveFailureException(LiveFailure failure) : Exception(failure.Reason)
{
    /// <summary>Why.</summary>
    public LiveFailure Failure { get; } = failure;

    public LiveFailureException(LiveFailureKind kind, string reason) : this(new LiveFailure(kind, reason))
    {
    }
}
