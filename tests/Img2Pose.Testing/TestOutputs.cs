namespace Img2Pose.Testing;

/// <summary>
/// Keeps what the program said in tests, where ./test.sh asks for it: when all have run it looks for the passwords that tests use
/// (tests/secrets.txt) in all of it.
/// </summary>
public static class TestOutputs
{
    private static readonly string? s_folder = Environment.GetEnvironmentVariable("IMG2POSE_TEST_OUTPUTS");

    /// <summary>Keeps a text; without effect where nobody asks.</summary>
    public static void Keep(string text)
    {
        if (string.IsNullOrEmpty(s_folder)) return;
        Directory.CreateDirectory(s_folder);
        File.WriteAllText(Path.Combine(s_folder, $"{Guid.NewGuid():N}.txt"), text);
    }
}
