using Img2Pose.Monitor.Configuration;

namespace Img2Pose.Monitor.Tests.Configuration;

public sealed class ConfigurationFilesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-files").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    [Fact]
    public void What_the_page_enters_is_read_back_as_it_was_and_the_users_file_stays()
    {
        string path = Write("cameras.yaml", "cameras:\n  - { name: a, url: \"rtsp://h/a\" }\n");
        ConfigurationFiles files = new(path, [], _folder);
        CameraConfiguration entered = new()
        {
            Name = "b",
            Url = "rtsp://me:p%41\"w'%23@h/b?x=${HOME}",
            Origin = CameraOrigin.Page,
            Insecure = true,
            Looks = 2.5,
            Priority = 3,
            Mask = true,
            Clips = false,
            FieldOfView = 70,
            Schedule = new Schedule([DayOfWeek.Sunday], new TimeOnly(22, 0), new TimeOnly(6, 30)),
            Overlay = ["box"],
            Zones = [new ZoneConfiguration { Name = "mat", Points = [new(0.1, 0.2), new(0.3, 0.4), new(0.5, 0.6)] }],
            Lines = [new LineConfiguration("sill", new PicturePoint(0, 0.5), new PicturePoint(1, 0.25))],
        };

        files.WriteLocal([entered]);

        Assert.Equal(Path.Combine(_folder, "cameras.local.yaml"), files.LocalPath);
        MonitorConfiguration read = files.Load();
        Assert.Equal(["a", "b"], read.Cameras.Select(camera => camera.Name));
        Assert.Equal(entered.Fingerprint(), read.Cameras[1].Fingerprint());
        Assert.Equal("cameras:\n  - { name: a, url: \"rtsp://h/a\" }\n", File.ReadAllText(path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(files.LocalPath));
    }

    [Fact]
    public void A_name_in_both_files_is_a_mistake()
    {
        ConfigurationFiles files = new(Write("cameras.yaml", "cameras: [{ name: a, url: \"rtsp://h/a\" }]\n"), [], _folder);
        CameraConfiguration other = new() { Name = "A", Url = "rtsp://h/b", Origin = CameraOrigin.Page };
        UsageException refused = Assert.Throws<UsageException>(() => files.WriteLocal([other]));
        Assert.False(File.Exists(files.LocalPath));
        File.WriteAllText(files.LocalPath, ConfigurationFiles.TextOf([other]));

        UsageException error = Assert.Throws<UsageException>(() => files.Load());

        Assert.Contains("cameras.local.yaml", error.Message);
        Assert.Contains("cameras.local.yaml", refused.Message);
    }

    [Fact]
    public void Addresses_of_the_command_line_are_named_by_host_and_path_without_credentials()
    {
        ConfigurationFiles files = new(null, ["rtsp://me:pw@192.168.1.20:554/live/1?token=x", "rtsp://192.168.1.20:554/live/1", "0"], _folder);

        Assert.Equal(["192-168-1-20-554-live-1", "192-168-1-20-554-live-1-2", "camera0"], files.Load().Cameras.Select(camera => camera.Name));
    }

    [Fact]
    public void Several_mistakes_are_counted_and_all_listed()
    {
        ConfigurationFiles files = new(Write("c.yaml", "cameras:\n  - name: a\n  - name: a\n  - name: a\n"), [], _folder);

        Assert.Equal(5, files.Check().Errors.Count);
        Assert.Contains("4 other mistakes", Assert.Throws<UsageException>(() => files.Load()).Message);
    }

    [Fact]
    public void A_file_that_is_not_there_is_an_input_error() =>
        Assert.Contains("it is not there", Assert.Throws<InputException>(() => new ConfigurationFiles(Path.Combine(_folder, "no.yaml"), [], _folder).Load()).Message);
}
