namespace Img2Pose.Formats.Tests.Lmdb;

public sealed class PackedRecordsTests
{
    [Fact]
    public void Numbers_have_the_shortest_form_of_their_kind()
    {
        PackWriter writer = new();
        foreach (long value in (long[])[0, 127, 128, 255, 256, 65535, 65536, uint.MaxValue, 1L << 32, -1, -32, -33, -129, -32769, long.MinValue]) writer.Integer(value);
        writer.Real(1);

        Assert.Equal(
            "00" + "7F" + "CC80" + "CCFF" + "CD0100" + "CDFFFF" + "CE00010000" + "CEFFFFFFFF" + "CF0000000100000000"
            + "FF" + "E0" + "D0DF" + "D1FF7F" + "D2FFFF7FFF" + "D38000000000000000" + "CB3FF0000000000000",
            Convert.ToHexString(writer.ToArray()));
    }

    [Theory]
    [InlineData("C403616263")]
    [InlineData("C50003616263")]
    // Writers before the bin family stored bytes as raw strings.
    [InlineData("A3616263")]
    [InlineData("DA0003616263")]
    [InlineData("DB00000003616263")]
    public void Bytes_are_read_from_either_family(string hex) =>
        Assert.Equal("abc"u8.ToArray(), new PackReader(Convert.FromHexString(hex), "x").Binary().ToArray());

    [Theory]
    [InlineData("C404616263")]
    [InlineData("A5616263")]
    [InlineData("DBFFFFFFFF61")]
    [InlineData("C6FFFFFFFF61")]
    [InlineData("C4")]
    [InlineData("")]
    [InlineData("C0")]
    [InlineData("93616263")]
    [InlineData("C1")]
    public void Bytes_that_end_early_or_are_none_are_an_input_error(string hex) =>
        Assert.StartsWith("x: ", Assert.Throws<InputException>(() => new PackReader(Convert.FromHexString(hex), "x").Binary()).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("DDFFFFFFFF00")]
    [InlineData("9F00")]
    [InlineData("DC")]
    [InlineData("8100")]
    public void An_array_longer_than_the_data_is_an_input_error(string hex) =>
        Assert.Throws<InputException>(() => new PackReader(Convert.FromHexString(hex), "x").ArrayHeader());

    [Theory]
    [InlineData("CFFFFFFFFFFFFFFFFF")]
    [InlineData("CB00")]
    [InlineData("C3")]
    [InlineData("A131")]
    public void A_number_that_is_none_is_an_input_error(string hex) =>
        Assert.Throws<InputException>(() => new PackReader(Convert.FromHexString(hex), "x").Number());

    [Theory]
    [InlineData("CA7FC00000")]
    [InlineData("CB7FF0000000000000")]
    public void A_number_that_is_not_finite_is_an_input_error(string hex) =>
        Assert.Throws<InputException>(() => new PackReader(Convert.FromHexString(hex), "x").Finite());
}
