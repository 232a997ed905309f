namespace Img2Pose.Monitor.Safety;

/// <summary>
/// Looks for an RTSP answer that sends elsewhere, in all that a server says, however it is cut and disguised: FFmpeg follows any line that
/// begins with <c>RTSP/</c> and goes on with a number from 300 to 399, wherever it leads. It leaves out carriage returns, takes any version,
/// and skips data between answers, so that no shorter look would do. In pictures the pattern does not come about by chance.
/// </summary>
internal sealed class RedirectScan
{
    private enum State
    {
        /// <summary>Within the five letters.</summary>
        Name,

        /// <summary>In the version.</summary>
        Version,

        /// <summary>Between version and number.</summary>
        Gap,

        /// <summary>In the number.</summary>
        Number,
    }

    private static ReadOnlySpan<byte> Name => "RTSP/"u8;

    private State _state;
    private int _matched, _digits;

    /// <summary>Takes what comes next; true once a redirect has been said, and ever after.</summary>
    public bool Sees(ReadOnlySpan<byte> data)
    {
        foreach (byte b in data)
        {
            if (HasSeen) return true;
            Take(b);
        }
        return HasSeen;
    }

    private bool HasSeen { get; set; }

    private void Take(byte b)
    {
        if (b == '\r') return;
        switch (_state)
        {
            case State.Name:
                // None of the letters but the first begins the name again.
                _matched = b == Name[_matched] ? _matched + 1 : b == Name[0] ? 1 : 0;
                if (_matched == Name.Length) (_state, _matched) = (State.Version, 0);
                break;
            case State.Version when b is (byte)' ' or (byte)'\t':
                _state = State.Gap;
                break;
            case State.Version when b == '\n':
                Restart(b);
                break;
            case State.Version:
                break;
            case State.Gap when b is (byte)' ' or (byte)'\t' or (byte)'\v' or (byte)'\f' or (byte)'+' or (byte)'0':
                break;
            case State.Gap when b == '3':
                (_state, _digits) = (State.Number, 1);
                break;
            case State.Number when b is >= (byte)'0' and <= (byte)'9':
                if (++_digits == 3) HasSeen = true;
                break;
            default:
                Restart(b);
                break;
        }
    }

    private void Restart(byte b)
    {
        _state = State.Name;
        _matched = b == Name[0] ? 1 : 0;
    }
}
