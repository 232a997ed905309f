using System.Diagnostics.CodeAnalysis;

namespace Img2Pose.Formats;

/// <summary>
/// A dictionary of a checkpoint, in the order in which it was saved. Keys are texts, integers, numbers or booleans;
/// values are null, <see cref="bool"/>, <see cref="long"/>, <see cref="System.Numerics.BigInteger"/> (beyond 64 bits),
/// <see cref="double"/>, <see cref="string"/>, byte arrays, lists (<see cref="List{T}"/> of object), tuples
/// (object arrays), dictionaries and <see cref="CheckpointTensor"/>s.
/// </summary>
public sealed class CheckpointDictionary
{
    private readonly List<KeyValuePair<object, object?>> _entries = [];
    private readonly Dictionary<object, int> _index = new(KeyComparer.Instance);

    /// <summary>Creates an empty dictionary.</summary>
    /// <param name="isOrdered">Whether Python saw an <c>OrderedDict</c> rather than a <c>dict</c>.</param>
    public CheckpointDictionary(bool isOrdered = false) => IsOrdered = isOrdered;

    /// <summary>Whether Python saw an <c>OrderedDict</c> rather than a <c>dict</c>.</summary>
    public bool IsOrdered { get; }

    /// <summary>The entries in saved order.</summary>
    public IReadOnlyList<KeyValuePair<object, object?>> Entries => _entries;

    /// <summary>Sets a value; a key that is there keeps its place.</summary>
    /// <exception cref="InvalidDataException">The key is not a text, integer, number or boolean.</exception>
    public void Set(object? key, object? value)
    {
        if (key is not (string or long or double or bool)) throw new InvalidDataException("a dictionary has a key that is neither a text nor a number");
        if (_index.TryGetValue(key, out int at))
        {
            _entries[at] = new KeyValuePair<object, object?>(key, value);
            return;
        }
        _index.Add(key, _entries.Count);
        _entries.Add(new KeyValuePair<object, object?>(key, value));
    }

    /// <summary>Looks a value up.</summary>
    public bool TryGet(object key, [MaybeNullWhen(false)] out object? value)
    {
        bool found = _index.TryGetValue(key, out int at);
        value = found ? _entries[at].Value : null;
        return found;
    }

    internal static int HashOf(object key) => KeyComparer.Instance.GetHashCode(key);

    /// <summary>
    /// Hashes that nobody can foresee: those of .NET's integers and numbers are known, and a dictionary of colliding keys
    /// takes quadratic time.
    /// </summary>
    private sealed class KeyComparer : IEqualityComparer<object>
    {
        public static KeyComparer Instance { get; } = new();

        public new bool Equals(object? x, object? y) => object.Equals(x, y);

        public int GetHashCode(object key) => key switch
        {
            long number => HashCode.Combine((int)number, (int)(number >> 32)),
            double number when number != 0 && !double.IsNaN(number) => Combine(BitConverter.DoubleToInt64Bits(number)),
            // Texts are hashed with a secret already.
            _ => key.GetHashCode(),
        };

        private static int Combine(long bits) => HashCode.Combine((int)bits, (int)(bits >> 32));
    }
}
