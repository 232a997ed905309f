using System.Collections;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>Results that are disposed of together.</summary>
public interface IDisposableReadOnlyCollection<T> : IReadOnlyCollection<T>, IReadOnlyList<T>, IDisposable;

/// <summary>An array of results that are disposed of together.</summary>
internal sealed class DisposableArray<T>(T[] items) : IDisposableReadOnlyCollection<T> where T : IDisposable
{
    public int Count => items.Length;

    public T this[int index] => items[index];

    public IEnumerator<T> GetEnumerator() => ((IEnumerable<T>)items).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => items.GetEnumerator();

    public void Dispose()
    {
        foreach (T item in items) item.Dispose();
    }
}
