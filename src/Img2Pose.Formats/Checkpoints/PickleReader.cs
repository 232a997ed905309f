using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Img2Pose.Formats;

// By hand: what a pickle may name is an allow-list here, and no library reads one without being able to execute it.
/// <summary>
/// Reads Python pickles (protocols 2 to 5, the documented opcodes of <c>pickletools</c>) as data. Nothing is ever
/// imported or called: a global is refused unless it stands in <see cref="PickleGlobal"/>, and the few that do build
/// tensors, parameters and ordered dictionaries of this assembly.
/// </summary>
internal sealed class PickleReader(Stream stream, Func<object?[], CheckpointStorage> loadStorage)
{
    // What a pickle may take in memory: a fixed part, and so much for each byte of it that was read. An integer of two
    // bytes takes 40; a flood of empty dictionaries, or of dictionaries made again and again of one list, takes more.
    private const long FreeBytes = 32L << 20;
    private const long BytesPerByteRead = 40;
    // A ResNet-101 checkpoint with optimiser state has some ten thousand objects.
    private const int ObjectLimit = 4_000_000;
    private const int TextLimit = 1 << 20;
    private const long DictionaryBytes = 200, EntryBytes = 96;

    private static readonly object Mark = new();

    private readonly List<object?> _stack = [];
    private readonly Dictionary<long, object?> _memo = [];
    private int _pushed;
    private long _read;
    private long _taken;

    /// <summary>Reads one pickle, up to and including its end mark.</summary>
    /// <exception cref="InvalidDataException">The stream is damaged, or asks for something that only a running Python could do.</exception>
    /// <exception cref="EndOfStreamException">The stream ends early.</exception>
    public object? Read()
    {
        while (true)
        {
            int opcode = ReadByte();
            if (opcode == '.') return Pop();
            Execute((char)opcode);
        }
    }

    private void Execute(char opcode)
    {
        switch (opcode)
        {
            case '\x80': // PROTO
                int protocol = ReadByte();
                if (protocol is < 2 or > 5) throw new InvalidDataException($"pickle protocol {protocol} is not supported");
                break;
            case '\x95': ReadExactly(8); break; // FRAME: only a hint for buffering
            case '(': Push(Mark); break;
            case '0': Pop(); break;
            case '1': PopToMark(); break;
            case '2': Push(Peek()); break;
            case 'N': Push(null); break;
            case '\x88': Push(true); break;
            case '\x89': Push(false); break;
            case 'J': Push((long)BinaryPrimitives.ReadInt32LittleEndian(ReadExactly(4))); break;
            case 'K': Push((long)ReadByte()); break;
            case 'M': Push((long)BinaryPrimitives.ReadUInt16LittleEndian(ReadExactly(2))); break;
            case '\x8a': PushInteger(ReadExactly(ReadByte())); break;
            case '\x8b': PushInteger(ReadExactly(ReadLength(4))); break;
            case 'G': Push(BinaryPrimitives.ReadDoubleBigEndian(ReadExactly(8))); break;
            case 'X': Push(Encoding.UTF8.GetString(ReadExactly(ReadLength(4)))); break;
            case '\x8c': Push(Encoding.UTF8.GetString(ReadExactly(ReadByte()))); break;
            case '\x8d': Push(Encoding.UTF8.GetString(ReadExactly(ReadLength(8)))); break;
            case 'U': Push(Encoding.Latin1.GetString(ReadExactly(ReadByte()))); break;
            case 'T': Push(Encoding.Latin1.GetString(ReadExactly(ReadLength(4)))); break;
            case 'C': Push(ReadExactly(ReadByte())); break;
            case 'B': Push(ReadExactly(ReadLength(4))); break;
            case ')': Push(Array.Empty<object?>()); break;
            case 't': Push(PopToMark()); break;
            case '\x85': Push(PopMany(1)); break;
            case '\x86': Push(PopMany(2)); break;
            case '\x87': Push(PopMany(3)); break;
            case ']':
                Take(64);
                Push(new List<object?>());
                break;
            case 'l': Push(new List<object?>(PopToMark())); break;
            case 'a': Append([Pop()]); break;
            case 'e': Append(PopToMark()); break;
            case '}':
                Take(DictionaryBytes);
                Push(new CheckpointDictionary());
                break;
            case 'd':
                object?[] pairs = PopToMark();
                Take(DictionaryBytes);
                Push(new CheckpointDictionary());
                SetItems(pairs);
                break;
            case 's': SetItems(PopMany(2)); break;
            case 'u': SetItems(PopToMark()); break;
            case 'q': Remember(ReadByte()); break;
            case 'r': Remember(ReadLength(4)); break;
            case '\x94': Remember(_memo.Count); break;
            case 'h': Push(Recall(ReadByte())); break;
            case 'j': Push(Recall(ReadLength(4))); break;
            case 'c': Push(PickleGlobal.Resolve(ReadLine(), ReadLine())); break;
            case '\x93':
                object? name = Pop();
                Push(PickleGlobal.Resolve(Pop() as string ?? "", name as string ?? ""));
                break;
            case 'Q': Push(loadStorage(Pop() as object?[] ?? throw new InvalidDataException("a storage has no description"))); break;
            case 'R': Reduce(); break;
            case 'b': Build(); break;
            default:
                throw new InvalidDataException($"pickle opcode 0x{(int)opcode:x2} is not part of any tensor file");
        }
    }

    private void Reduce()
    {
        object?[] arguments = Pop() as object?[] ?? throw new InvalidDataException("a pickled call has no argument tuple");
        PickleGlobal global = Pop() as PickleGlobal ?? throw new InvalidDataException("a pickle calls something that is not a known tensor function");
        // Whatever is made of a list or of a shape is as large as that.
        Take(DictionaryBytes + EntryBytes * arguments.Sum(argument => argument switch
        {
            List<object?> list => (long)list.Count,
            object?[] tuple => tuple.Length,
            _ => 1,
        }));
        Push(global.Apply(arguments));
    }

    // An OrderedDict may carry attributes (state_dict() adds "_metadata"); they hold no tensors, so they are dropped.
    private void Build()
    {
        object? state = Pop();
        if (Peek() is not CheckpointDictionary { IsOrdered: true } || state is not CheckpointDictionary)
            throw new InvalidDataException("a pickle sets the attributes of an object that is not an ordered dictionary");
    }

    private void Append(ReadOnlySpan<object?> values)
    {
        if (Peek() is not List<object?> list) throw new InvalidDataException("a pickle appends to something that is not a list");
        Take(16L * values.Length);
        foreach (object? value in values) list.Add(value);
    }

    private void SetItems(object?[] pairs)
    {
        if (Peek() is not CheckpointDictionary dictionary || pairs.Length % 2 != 0)
            throw new InvalidDataException("a pickle sets items of something that is not a dictionary");
        Take(EntryBytes * (pairs.Length / 2));
        for (int i = 0; i < pairs.Length; i += 2) dictionary.Set(pairs[i], pairs[i + 1]);
    }

    private object? Recall(long index) =>
        _memo.TryGetValue(index, out object? value) ? value : throw new InvalidDataException($"a pickle recalls {index}, which it never stored");

    private void Remember(long index)
    {
        Take(48);
        _memo[index] = Peek();
    }

    private void Take(long bytes)
    {
        _taken += bytes;
        if (_taken > FreeBytes + BytesPerByteRead * _read)
            throw new InvalidDataException($"a pickle of {_read} bytes would take more than {(FreeBytes + BytesPerByteRead * _read) >> 20} MiB of memory, the limit");
    }

    private void Push(object? value)
    {
        Take(40);
        if (++_pushed > ObjectLimit) throw new InvalidDataException($"a pickle has more than {ObjectLimit} objects");
        _stack.Add(value);
    }

    private object? Peek() => _stack.Count > 0 ? _stack[^1] : throw new InvalidDataException("a pickle takes from an empty stack");

    private object? Pop()
    {
        object? value = Peek();
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private object?[] PopMany(int count)
    {
        object?[] values = new object?[count];
        for (int i = count - 1; i >= 0; i--) values[i] = Pop();
        return values;
    }

    private object?[] PopToMark()
    {
        int mark = _stack.LastIndexOf(Mark);
        if (mark < 0) throw new InvalidDataException("a pickle looks for a mark that it never set");
        object?[] values = [.. _stack[(mark + 1)..]];
        _stack.RemoveRange(mark, _stack.Count - mark);
        return values;
    }

    private void PushInteger(byte[] littleEndian)
    {
        BigInteger value = new(littleEndian);
        if (value >= long.MinValue && value <= long.MaxValue) Push((long)value);
        else Push(value);
    }

    private int ReadByte()
    {
        int value = stream.ReadByte();
        _read++;
        return value >= 0 ? value : throw new EndOfStreamException();
    }

    private int ReadLength(int bytes)
    {
        ulong length = bytes == 4
            ? BinaryPrimitives.ReadUInt32LittleEndian(ReadExactly(4))
            : BinaryPrimitives.ReadUInt64LittleEndian(ReadExactly(8));
        if (length > TextLimit) throw new InvalidDataException($"a text in a pickle is longer than {TextLimit} bytes");
        return (int)length;
    }

    private byte[] ReadExactly(int count)
    {
        byte[] bytes = new byte[count];
        stream.ReadExactly(bytes);
        _read += count;
        return bytes;
    }

    private string ReadLine()
    {
        StringBuilder line = new();
        for (int c = ReadByte(); c != '\n'; c = ReadByte())
        {
            if (line.Length >= 1024) throw new InvalidDataException("a name in a pickle is longer than 1024 characters");
            line.Append((char)c);
        }
        return line.ToString();
    }
}
