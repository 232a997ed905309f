using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Img2Pose.Training.Optimization;

namespace Img2Pose.Training.Tests.Optimization;

public sealed class EventFileTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("events-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Checksum_is_the_one_of_RFC_3720()
    {
        // Appendix B.4 of the RFC, and the customary check value of the polynomial.
        Assert.Equal(0x8A9136AAu, EventFile.Checksum(new byte[32]));
        Assert.Equal(0xE3069283u, EventFile.Checksum("123456789"u8));
        // The value before with its bits turned right by 15, plus the constant of the format.
        Assert.Equal(unchecked(0x2507C60Du + 0xA282EAD8u), EventFile.MaskedChecksum("123456789"u8));
    }

    [Fact]
    public void Scalars_come_back_with_step_and_time_after_the_file_version()
    {
        long before = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        string path;
        using (EventFile events = EventFile.Create(_folder.FullName))
        {
            path = events.Path;
            events.Write(25, ("train/loss", 3.5), ("train/rate", 1e-3));
            events.Write(1L << 40, ("größe", double.NaN));
        }

        List<EventRecord> records = EventRecords.Read(path);

        Assert.Equal(3, records.Count);
        Assert.Equal(EventFile.Version, records[0].FileVersion);
        Assert.Equal(25, records[1].Step);
        Assert.Equal(new Dictionary<string, float> { ["train/loss"] = 3.5f, ["train/rate"] = 1e-3f }, records[1].Scalars);
        Assert.Equal(1L << 40, records[2].Step);
        Assert.True(float.IsNaN(records[2].Scalars["größe"]));
        Assert.All(records, record => Assert.InRange(record.WallTime, before, before + 3600));
    }

    [Fact]
    public void The_first_bytes_are_those_that_TensorFlow_writes()
    {
        string path;
        using (EventFile events = EventFile.Create(_folder.FullName)) path = events.Path;

        byte[] bytes = File.ReadAllBytes(path);

        // 0x09 double wall_time, 0x10 0 step, 0x1a 13 "brain.Event:2": 9 + 2 + 15 bytes between the checksums.
        Assert.Equal(26, bytes[0]);
        Assert.Equal(12 + 26 + 4, bytes.Length);
        Assert.Equal(0x09, bytes[12]);
        Assert.Equal([0x10, 0x00, 0x1A, 13, .. Encoding.ASCII.GetBytes("brain.Event:2")], bytes[21..38]);
    }

    [Fact]
    public void A_second_file_in_the_same_second_gets_a_name_of_its_own()
    {
        using EventFile first = EventFile.Create(_folder.FullName);
        using EventFile second = EventFile.Create(_folder.FullName);

        Assert.NotEqual(first.Path, second.Path);
        string host = Regex.Escape(Environment.MachineName);
        foreach (string path in (string[])[first.Path, second.Path])
            Assert.Matches(string.Create(CultureInfo.InvariantCulture, $"^events\\.out\\.tfevents\\.[0-9]{{10}}\\.{host}"), Path.GetFileName(path));
    }

    [Fact]
    public void A_folder_that_is_absent_is_an_output_error_that_names_the_file()
    {
        string folder = Path.Combine(_folder.FullName, "no");

        Assert.Contains(folder, Assert.Throws<OutputException>(() => EventFile.Create(folder)).Message, StringComparison.Ordinal);
    }
}
