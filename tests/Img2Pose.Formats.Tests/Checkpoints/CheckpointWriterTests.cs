
namespace Img2Pose.Formats.Tests;

public sealed class CheckpointWriterTests
{
    [Fact]
    public void What_is_written_is_read_back_in_order_with_its_types()
    {
        CheckpointDictionary model = new(isOrdered: true);
        model.Set("module.w", CheckpointTensor.FromSingle([1.5f, -2f, float.NaN, 0f, 1e-42f, 7f], 2, 3));
        model.Set("module.n", CheckpointTensor.FromInt64([42L]));
        CheckpointDictionary root = new();
        root.Set("fpn_model", model);
        root.Set("epoch", 7L);
        root.Set("big", 1L << 40);
        root.Set("rates", new List<object?> { 0.001, new object?[] { true, null, "naïve" } });

        using MemoryStream stream = new();
        CheckpointWriter.Save(root, stream);
        stream.Position = 0;
        CheckpointDictionary read = Assert.IsType<CheckpointDictionary>(Checkpoint.Load(stream, "memory").Root);

        Assert.Equal(["fpn_model", "epoch", "big", "rates"], read.Entries.Select(e => (string)e.Key));
        CheckpointDictionary readModel = Assert.IsType<CheckpointDictionary>(read.Entries[0].Value);
        Assert.True(readModel.IsOrdered);
        CheckpointTensor w = Assert.IsType<CheckpointTensor>(readModel.Entries[0].Value);
        Assert.Equal([2L, 3L], w.Shape);
        Assert.Equal([1.5f, -2f, float.NaN, 0f, 1e-42f, 7f], w.ToSingle());
        CheckpointTensor n = Assert.IsType<CheckpointTensor>(readModel.Entries[1].Value);
        Assert.Equal(TensorElement.Long, n.Element);
        Assert.Empty(n.Shape);
        Assert.Equal(7L, read.Entries[1].Value);
        Assert.Equal(1L << 40, read.Entries[2].Value);
        List<object?> rates = Assert.IsType<List<object?>>(read.Entries[3].Value);
        Assert.Equal([true, null, "naïve"], Assert.IsType<object?[]>(rates[1]));
    }

    [Fact]
    public void A_view_is_written_as_the_tensor_that_it_shows()
    {
        CheckpointTensor source = CheckpointTensor.FromSingle([1, 2, 3, 4, 5, 6], 2, 3);
        CheckpointTensor transposed = new(source.Storage, 0, [3, 2], [1, 3], requiresGradient: true);

        using MemoryStream stream = new();
        CheckpointWriter.Save(new object?[] { transposed }, stream);
        stream.Position = 0;
        object?[] root = Assert.IsType<object?[]>(Checkpoint.Load(stream, "memory").Root);

        CheckpointTensor read = Assert.IsType<CheckpointTensor>(root[0]);
        Assert.Equal([1f, 4f, 2f, 5f, 3f, 6f], read.ToSingle());
        Assert.True(read.RequiresGradient);
    }

    [Fact]
    public void Half_a_file_is_refused()
    {
        using MemoryStream stream = new();
        CheckpointWriter.Save(new object?[] { CheckpointTensor.FromSingle(new float[1000], 1000) }, stream);
        using MemoryStream half = new(stream.ToArray()[..(int)(stream.Length / 2)]);

        Assert.Throws<ModelException>(() => Checkpoint.Load(half, "half.pth"));
    }

    [Fact]
    public void A_view_that_repeats_a_small_storage_beyond_the_limit_is_refused()
    {
        CheckpointStorage storage = new("0", TensorElement.Single, 1) { Bytes = new byte[4] };

        Assert.Throws<InvalidDataException>(() => new CheckpointTensor(storage, 0, [1 << 20, 1 << 20], [0, 0], requiresGradient: false));
    }
}
