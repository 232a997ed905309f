using System.Text;

namespace Img2Pose.Formats;

/// <summary>
/// The original's training data in an LMDB file: the list <c>__keys__</c>, and a <see cref="PoseRecord"/> for each key.
/// Thread-safe once open.
/// </summary>
internal sealed class PoseDatabase : IDisposable
{
    private readonly LmdbReader _reader;
    private readonly string _path;

    private PoseDatabase(LmdbReader reader, string path, string[] keys)
    {
        _reader = reader;
        _path = path;
        Keys = keys;
    }

    /// <summary>The keys in their order, each once; a character stands for a byte (Latin-1). They are data: see <see cref="PlainName"/>.</summary>
    public IReadOnlyList<string> Keys { get; }

    /// <summary>Opens a file and reads its list of keys.</summary>
    /// <exception cref="InputException">It cannot be read, is damaged, or is no such data set.</exception>
    public static PoseDatabase Open(string path)
    {
        LmdbReader reader = LmdbReader.Open(path);
        try
        {
            return new PoseDatabase(reader, path, ReadKeys(reader, path));
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    /// <summary>The name of a record in messages.</summary>
    public string Describe(int index) => $"{_path}, key {Keys[index]}";

    /// <summary>One record.</summary>
    /// <exception cref="InputException">The data set is damaged.</exception>
    public PoseRecord Read(int index) => PoseRecord.Decode(Bytes(index), Describe(index));

    /// <summary>All records of a file with their keys, in key order.</summary>
    /// <exception cref="InputException">As for <see cref="Open"/> and <see cref="ReadAll"/>.</exception>
    public static IEnumerable<(string Key, PoseRecord Record)> ReadFile(string path)
    {
        using PoseDatabase data = Open(path);
        int at = 0;
        foreach (PoseRecord record in data.ReadAll()) yield return (data.Keys[at++], record);
    }

    /// <summary>All records in key order.</summary>
    /// <exception cref="InputException">The data set is damaged, or its values share their bytes, so that they would be more than the file.</exception>
    public IEnumerable<PoseRecord> ReadAll() => ReadEach(leftOut: null).Select(entry => entry.Record);

    /// <summary>The records in key order, each with its place in <see cref="Keys"/>.</summary>
    /// <param name="leftOut">Told of each record that is damaged, which is left out; null: the first is thrown.</param>
    /// <exception cref="InputException">As for <see cref="ReadAll"/>.</exception>
    public IEnumerable<(int Index, PoseRecord Record)> ReadEach(Action<InputException>? leftOut)
    {
        long left = _reader.Length;
        for (int i = 0; i < Keys.Count; i++)
        {
            PoseRecord? record = null;
            try
            {
                byte[] value = Bytes(i);
                left -= value.Length;
                if (left >= 0) record = PoseRecord.Decode(value, Describe(i));
            }
            catch (InputException error) when (leftOut is not null)
            {
                leftOut(error);
            }
            if (left < 0) throw new InputException($"{_path}: its records are larger than the file; the data set is damaged");
            if (record is not null) yield return (i, record);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _reader.Dispose();

    private byte[] Bytes(int index) =>
        _reader.Get(Keys[index]) ?? throw new InputException($"{_path}: key {Keys[index]} is listed but missing; the data set is damaged");

    private static string[] ReadKeys(LmdbReader reader, string path)
    {
        byte[] value = reader.Get("__keys__") ?? throw new InputException($"{path}: the key __keys__ is missing; is this an img2pose data set?");
        PackReader pack = new(value, $"{path}, key __keys__");
        int count = pack.ArrayHeader();
        if (count > reader.Entries) throw new InputException($"{path}: lists {count} keys, but has {reader.Entries} entries; the data set is damaged");
        string[] keys = new string[count];
        HashSet<string> seen = new(StringComparer.Ordinal);
        for (int i = 0; i < keys.Length; i++)
        {
            keys[i] = Encoding.Latin1.GetString(pack.Binary());
            if (!seen.Add(keys[i])) throw new InputException($"{path}: lists the key {keys[i]} twice; the data set is damaged");
        }
        return keys;
    }
}
