namespace Img2Pose.Formats;

/// <summary>
/// The allow-list: every name that a checkpoint may refer to, and what this program makes of a call of it. A name that
/// is not here is refused when it is met, before anything could be done with it.
/// </summary>
internal sealed class PickleGlobal
{
    private readonly Func<object?[], object?> _apply;

    private PickleGlobal(Func<object?[], object?> apply) => _apply = apply;

    /// <summary>The element type when the name is a storage class.</summary>
    public TensorElement? StorageElement { get; private init; }

    public static PickleGlobal Resolve(string module, string name) => (module, name) switch
    {
        ("collections", "OrderedDict") => new PickleGlobal(OrderedDictionary),
        ("torch._utils", "_rebuild_tensor_v2") => new PickleGlobal(RebuildTensor),
        ("torch._utils", "_rebuild_tensor") => new PickleGlobal(RebuildTensor),
        ("torch._utils", "_rebuild_parameter") => new PickleGlobal(RebuildParameter),
        ("torch", "Size") => new PickleGlobal(Size),
        ("torch" or "torch.storage", _) when TensorElements.FromStorageClass(name) is { } element =>
            new PickleGlobal(_ => throw new InvalidDataException($"a pickle calls the storage class {name}")) { StorageElement = element },
        _ => throw new InvalidDataException($"it refers to {module}.{name}, which is not on the list of tensor names; its code was not run"),
    };

    public object? Apply(object?[] arguments) => _apply(arguments);

    private static CheckpointDictionary OrderedDictionary(object?[] arguments)
    {
        CheckpointDictionary dictionary = new(isOrdered: true);
        if (arguments.Length == 0) return dictionary;
        // Protocol 0 and 1 style: one list of pairs.
        if (arguments is not [List<object?> pairs]) throw new InvalidDataException("an OrderedDict is built from something unexpected");
        foreach (object? pair in pairs)
        {
            object? key, value;
            if (pair is object?[] { Length: 2 } tuple) (key, value) = (tuple[0], tuple[1]);
            else if (pair is List<object?> { Count: 2 } list) (key, value) = (list[0], list[1]);
            else throw new InvalidDataException("an OrderedDict is built from something unexpected");
            dictionary.Set(key, value);
        }
        return dictionary;
    }

    // (storage, offset, size, stride[, requires_grad, backward_hooks[, metadata]])
    private static CheckpointTensor RebuildTensor(object?[] arguments)
    {
        if (arguments is not [CheckpointStorage storage, long offset, object?[] size, object?[] stride, ..])
            throw new InvalidDataException("a tensor is described in an unknown way");
        bool requiresGradient = arguments.Length > 4 && arguments[4] is true;
        return new CheckpointTensor(storage, offset, Integers(size), Integers(stride), requiresGradient);
    }

    // (tensor, requires_grad, backward_hooks)
    private static CheckpointTensor RebuildParameter(object?[] arguments)
    {
        if (arguments is not [CheckpointTensor tensor, bool requiresGradient, ..])
            throw new InvalidDataException("a parameter is described in an unknown way");
        return tensor.AsParameter(requiresGradient);
    }

    private static object?[] Size(object?[] arguments) => arguments is [object?[] lengths]
        ? lengths
        : throw new InvalidDataException("a torch.Size is described in an unknown way");

    private static long[] Integers(object?[] values) =>
        Array.ConvertAll(values, v => v is long number ? number : throw new InvalidDataException("a tensor's shape has an entry that is not an integer"));
}
