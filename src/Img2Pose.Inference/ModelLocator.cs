namespace Img2Pose.Inference;

/// <summary>Finds a model by name or file: beside the program, in the working folder's <c>models/</c>, or in <c>IMG2POSE_MODELS</c>.</summary>
public static class ModelLocator
{
    /// <summary>Name of the embedded default model.</summary>
    public const string DefaultName = "img2pose-nano";

    /// <summary>The folders in which a name is looked up, in order.</summary>
    public static IReadOnlyList<string> Folders { get; } = FindFolders();

    /// <summary>The model file for what the user gave; null means the default model.</summary>
    /// <exception cref="ModelException">There is no such model; the message lists those that are there.</exception>
    public static string Find(string? nameOrFile)
    {
        string wanted = nameOrFile ?? DefaultName;
        if (wanted.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase) || wanted.Contains('/') || File.Exists(wanted)) return wanted;
        foreach (string folder in Folders)
        {
            string path = Path.Combine(folder, wanted + ".onnx");
            if (File.Exists(path)) return path;
        }
        string known = string.Join(", ", List().Select(path => Path.GetFileNameWithoutExtension(path)));
        string there = known.Length > 0 ? $"known are {known}" : "no model is installed";
        throw new ModelException(nameOrFile is null
            ? $"The default model {wanted}.onnx is missing from {Folders[0]}; put it there, or give another one with --model FILE ({there})."
            : $"There is no model called '{wanted}' ({there}); give one of these or a file with --model FILE.");
    }

    /// <summary>Every model file in the folders; the first of each name.</summary>
    public static IEnumerable<string> List() =>
        Folders.Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*.onnx").Order(StringComparer.Ordinal))
            .DistinctBy(Path.GetFileName);

    private static List<string> FindFolders()
    {
        List<string> folders = [Path.Combine(AppContext.BaseDirectory, "models")];
        if (Environment.GetEnvironmentVariable("IMG2POSE_MODELS") is { Length: > 0 } named) folders.Insert(0, named);
        folders.Add(Path.GetFullPath("models"));
        return folders;
    }
}
