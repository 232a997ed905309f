namespace Img2Pose.EndToEnd;

/// <summary><c>img2pose dataset</c>.</summary>
public sealed class DatasetTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-dataset").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Converting_without_the_shim_over_OpenCV_says_how_to_get_it_and_leaves_no_file()
    {
        string picture = Path.Combine(_folder, "a.png"), list = Path.Combine(_folder, "list.txt");
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "color=gray:size=64x64", "-frames:v", "1", picture);
        File.WriteAllText(list, "a.json\n");
        File.WriteAllText(Path.Combine(_folder, "a.json"),
            """{"image_path":"a.png","bboxes":[[10,10,50,50]],"landmarks":[[[20,25],[40,25],[30,33],[23,42],[37,42]]]}""");

        Finished run = await CommandLine.Img2PoseWithAsync(
            $"IMG2POSE_OPENCV={_folder}", "dataset", "convert", list, "--images", _folder, "--out", Path.Combine(_folder, "out.lmdb"));

        run.ShouldFailWith(4, "./run.sh dataset convert");
        Assert.Empty(Directory.GetFiles(_folder, "out*"));
    }
}
