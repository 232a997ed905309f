using System.Text.Json;

namespace Img2Pose.Models.Packages;

/// <summary>A checkpoint that the authors of img2pose publish.</summary>
/// <param name="Name">Name of its file without extension; an imported package gets the same.</param>
/// <param name="About">One line for people.</param>
/// <param name="Depth">Depth of the backbone.</param>
/// <param name="Licence">Licence of the weights.</param>
/// <param name="Source">Page where the files are offered.</param>
/// <param name="Files">The files, as the published archive names them.</param>
/// <param name="Sha256">SHA-256 of the checkpoint file, or null where nobody of this project has recorded it.</param>
public sealed record OfficialModel(
    string Name, string About, int Depth, string Licence, string Source, IReadOnlyList<string> Files, string? Sha256)
{
    /// <summary>The manifest <c>models/official-models.json</c>.</summary>
    public static IReadOnlyList<OfficialModel> All { get; } = Read();

    /// <summary>
    /// The official model that a checkpoint is, or null: told by its digest where the manifest records one, else by its name.
    /// </summary>
    /// <param name="name">Name of its file without extension.</param>
    /// <param name="sha256">SHA-256 of its file, hexadecimal.</param>
    public static OfficialModel? Find(string name, string sha256) => Find(All, name, sha256);

    internal static OfficialModel? Find(IReadOnlyList<OfficialModel> models, string name, string sha256) =>
        models.FirstOrDefault(m => string.Equals(m.Sha256 ?? m.Name, m.Sha256 is null ? name : sha256, StringComparison.OrdinalIgnoreCase));

    private static List<OfficialModel> Read()
    {
        using Stream stream = typeof(OfficialModel).Assembly.GetManifestResourceStream("official-models.json")
            ?? throw new InvalidOperationException("The manifest of official models is not in the assembly.");
        using JsonDocument document = JsonDocument.Parse(stream);
        return
        [
            .. document.RootElement.GetProperty("models").EnumerateArray().Select(m => new OfficialModel(
                m.GetProperty("name").GetString()!,
                m.GetProperty("about").GetString()!,
                m.GetProperty("depth").GetInt32(),
                m.GetProperty("licence").GetString()!,
                m.GetProperty("source").GetString()!,
                [.. m.GetProperty("files").EnumerateArray().Select(f => f.GetString()!)],
                m.GetProperty("sha256").GetString())),
        ];
    }
}
