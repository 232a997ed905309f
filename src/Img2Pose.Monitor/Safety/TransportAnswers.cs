using System.Net;
using System.Text;

namespace Img2Pose.Monitor.Safety;

/// <summary>
/// What an RTSP server answers where pictures come over UDP, each of its <c>Transport:</c> lines (RFC 2326, 12.39) with the camera's own
/// address as the source: FFmpeg sends its reports to whatever source a server names. Lines are told apart as FFmpeg does it: it leaves out
/// carriage returns, wherever they stand, and takes a dollar sign at the beginning of a line for pictures within the connection, of which
/// there are none here.
/// </summary>
internal sealed class TransportAnswers(IPAddress camera)
{
    /// <summary>FFmpeg cuts lines at 4095 bytes.</summary>
    private const int LongestLine = 4000;

    private static ReadOnlySpan<byte> Name => "transport:"u8;

    // What is held back of a line that may be one, with and without carriage returns; the rest of another line goes on as it is.
    private readonly List<byte> _held = [];
    private int _length;
    private bool _isOther;

    /// <summary>Takes what comes next, and gives what goes on.</summary>
    /// <exception cref="InputException">It is no answer over such a connection.</exception>
    public byte[] Pass(ReadOnlySpan<byte> data)
    {
        List<byte> to = new(data.Length + 64);
        foreach (byte b in data) Take(b, to);
        return [.. to];
    }

    private void Take(byte b, List<byte> to)
    {
        if (_isOther)
        {
            to.Add(b);
            _isOther = b != '\n';
            return;
        }
        _held.Add(b);
        if (b == '\r') return;
        if (b == '$' && _length == 0) throw new InputException("it sends pictures over the connection, although UDP was asked for");
        bool isName = _length >= Name.Length;
        if (!isName && (b | 0x20) != Name[_length] && b != Name[_length])
        {
            to.AddRange(_held);
            _isOther = b != '\n';
            Restart();
        }
        else if (isName && b == '\n')
        {
            to.AddRange(Rewritten());
            Restart();
        }
        else if (++_length > LongestLine)
        {
            throw new InputException("it answers with a line that is too long");
        }
    }

    private void Restart()
    {
        _held.Clear();
        _length = 0;
    }

    private byte[] Rewritten()
    {
        string line = Encoding.Latin1.GetString([.. _held]).Replace("\r", "", StringComparison.Ordinal).TrimEnd('\n');
        // One way is enough; of several sources the last holds.
        int comma = line.IndexOf(',', StringComparison.Ordinal);
        return Encoding.Latin1.GetBytes($"{(comma < 0 ? line : line[..comma])};source={camera}\r\n");
    }
}
