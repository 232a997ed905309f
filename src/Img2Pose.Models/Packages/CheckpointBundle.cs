using System.IO.Compression;
using System.Security.Cryptography;
using Img2Pose.Core;
using Img2Pose.Formats;
using Img2Pose.Models.Checkpoints;

namespace Img2Pose.Models.Packages;

/// <summary>
/// A checkpoint with the pose statistics that belong to it: from a <c>.pth</c> and two <c>.npy</c> files, or from the zip
/// of the authors' model zoo, which holds all three. Nothing of an archive is ever written under a name that it gives.
/// </summary>
public sealed class CheckpointBundle
{
    private const long CheckpointLimit = 4L << 30;
    private const long StatisticsLimit = 1L << 20;
    private const int EntryLimit = 10_000;
    private const long UnsuspiciousLength = 64L << 20;
    // Weights hardly compress at all.
    private const int RatioLimit = 100;

    private CheckpointBundle(string name, string sha256, StateDictionary weights, PoseStatistics statistics)
    {
        Name = name;
        Sha256 = sha256;
        Weights = weights;
        Statistics = statistics;
    }

    /// <summary>Name of the checkpoint's file without extension.</summary>
    public string Name { get; }

    /// <summary>SHA-256 of the checkpoint's file, lower-case hexadecimal.</summary>
    public string Sha256 { get; }

    /// <summary>The network's tensors.</summary>
    public StateDictionary Weights { get; }

    /// <summary>The pose statistics.</summary>
    public PoseStatistics Statistics { get; }

    /// <summary>Reads a checkpoint or an archive of the model zoo.</summary>
    /// <param name="path">A <c>.pth</c> file, or a zip with one (or several: then <paramref name="checkpoint"/> says which).</param>
    /// <param name="meanPath">Pose means; null: the only <c>*pose_mean*.npy</c> beside the checkpoint.</param>
    /// <param name="deviationPath">Pose standard deviations; null: the only <c>*pose_stddev*.npy</c> beside the checkpoint.</param>
    /// <param name="checkpoint">File name, with or without <c>.pth</c>, of the checkpoint within an archive.</param>
    /// <exception cref="InputException">A file cannot be opened.</exception>
    /// <exception cref="ModelException">Something is missing, damaged, hostile, above a limit or ambiguous.</exception>
    public static CheckpointBundle Load(string path, string? meanPath = null, string? deviationPath = null, string? checkpoint = null)
    {
        if (TryOpenZoo(path) is { } zoo)
        {
            using (zoo) return FromZoo(zoo, path, meanPath, deviationPath, checkpoint);
        }
        StateDictionary weights = StateDictionary.FromCheckpoint(Checkpoint.Load(path), path);
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        PoseStatistics statistics = PoseStatistics.Load(
            meanPath ?? OnlyFile(folder, "*pose_mean*.npy", path, "--pose-mean"),
            deviationPath ?? OnlyFile(folder, "*pose_stddev*.npy", path, "--pose-stddev"));
        using FileStream file = File.OpenRead(path);
        return new CheckpointBundle(Path.GetFileNameWithoutExtension(path), Convert.ToHexStringLower(SHA256.HashData(file)), weights, statistics);
    }

    // A checkpoint of torch 1.6 and later is itself a zip: it has a data.pkl.
    private static ZipArchive? TryOpenZoo(string path)
    {
        FileStream stream;
        try
        {
            stream = File.OpenRead(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be opened: {e.Message}", e);
        }
        ZipArchive? archive = null;
        try
        {
            Span<byte> head = stackalloc byte[4];
            if (stream.ReadAtLeast(head, 4, throwOnEndOfStream: false) == 4 && head.SequenceEqual("PK\x03\x04"u8))
            {
                stream.Position = 0;
                archive = new ZipArchive(stream, ZipArchiveMode.Read);
                if (!archive.Entries.Any(e => e.FullName.EndsWith("data.pkl", StringComparison.Ordinal))) return archive;
            }
        }
        catch (InvalidDataException e)
        {
            stream.Dispose();
            throw new ModelException($"{path}: not a complete zip archive ({e.Message}); fetch the file again.", e);
        }
        if (archive is null) stream.Dispose();
        else archive.Dispose();
        return null;
    }

    private static CheckpointBundle FromZoo(ZipArchive zoo, string path, string? meanPath, string? deviationPath, string? checkpoint)
    {
        if (zoo.Entries.Count > EntryLimit) throw new ModelException($"{path}: the archive has more than {EntryLimit} members, the limit.");
        foreach (ZipArchiveEntry entry in zoo.Entries) RefuseHostile(entry, path);

        ZipArchiveEntry chosen = Choose(zoo, path, checkpoint);
        using FileStream stream = Extract(chosen, path);
        string sha256 = Convert.ToHexStringLower(SHA256.HashData(stream));
        stream.Position = 0;
        StateDictionary weights = StateDictionary.FromCheckpoint(Checkpoint.Load(stream, $"{path}:{chosen.FullName}"), $"{path}:{chosen.FullName}");
        (Stream mean, string meanName) = Statistic(zoo, path, meanPath, "pose_mean", "--pose-mean");
        using (mean)
        {
            (Stream deviation, string deviationName) = Statistic(zoo, path, deviationPath, "pose_stddev", "--pose-stddev");
            using (deviation)
                return new CheckpointBundle(Path.GetFileNameWithoutExtension(chosen.Name), sha256, weights, PoseStatistics.Read(mean, meanName, deviation, deviationName));
        }
    }

    // The file that was named, or else the archive's.
    private static (Stream Content, string Name) Statistic(ZipArchive zoo, string path, string? given, string part, string option)
    {
        if (given is not null) return (PoseStatistics.Open(given), given);
        ZipArchiveEntry entry = Only(zoo, path, part, option);
        return (Small(entry, path), $"{path}:{entry.FullName}");
    }

    // Archives made on a Mac have a twin "__MACOSX/…/._NAME" beside each file: attributes, not the file.
    private static bool IsTwin(ZipArchiveEntry entry) => entry.Name.StartsWith("._", StringComparison.Ordinal);

    private static void RefuseHostile(ZipArchiveEntry entry, string path)
    {
        string name = entry.FullName;
        if (name.StartsWith('/') || name.Contains('\\') || name.Contains(':') || name.Split('/').Contains(".."))
            throw new ModelException($"{path}: its member '{name}' points outside the archive; this is not the authors' file.");
        if (entry.Length > UnsuspiciousLength && entry.Length / RatioLimit > Math.Max(1, entry.CompressedLength))
            throw new ModelException($"{path}: its member '{name}' would grow from {entry.CompressedLength} to {entry.Length} bytes, more than {RatioLimit} times; this is not the authors' file.");
    }

    private static ZipArchiveEntry Choose(ZipArchive zoo, string path, string? checkpoint)
    {
        ZipArchiveEntry[] candidates = [.. zoo.Entries.Where(e => e.Name.EndsWith(".pth", StringComparison.OrdinalIgnoreCase) && !IsTwin(e))];
        if (candidates.Length == 0) throw new ModelException($"{path}: there is no checkpoint (.pth) in the archive.");
        string names = string.Join(", ", candidates.Select(e => e.Name));
        if (checkpoint is null)
        {
            return candidates.Length == 1 ? candidates[0]
                : throw new ModelException($"{path}: there are several checkpoints in the archive ({names}); choose one with --checkpoint.");
        }
        return Array.Find(candidates, e => e.Name == checkpoint || Path.GetFileNameWithoutExtension(e.Name) == checkpoint)
            ?? throw new ModelException($"{path}: there is no checkpoint '{checkpoint}' in the archive, but {names}.");
    }

    private static ZipArchiveEntry Only(ZipArchive zoo, string path, string part, string option)
    {
        ZipArchiveEntry[] candidates =
        [
            .. zoo.Entries.Where(e => e.Name.Contains(part, StringComparison.OrdinalIgnoreCase) && e.Name.EndsWith(".npy", StringComparison.OrdinalIgnoreCase) && !IsTwin(e)),
        ];
        return candidates.Length == 1 ? candidates[0]
            : throw new ModelException($"{path}: {candidates.Length} members are called *{part}*.npy where one is needed; give the file with {option}.");
    }

    private static string OnlyFile(string folder, string pattern, string path, string option)
    {
        string[] files = Directory.GetFiles(folder, pattern);
        return files.Length == 1 ? files[0]
            : throw new ModelException($"{path}: {files.Length} files {pattern} lie beside it where one is needed; give the file with {option}.");
    }

    // A checkpoint is read at random positions, so it is unpacked first: to a nameless temporary file, never more than
    // its announced length.
    private static FileStream Extract(ZipArchiveEntry entry, string path)
    {
        if (entry.Length > CheckpointLimit) throw new ModelException($"{path}: '{entry.FullName}' is above the limit of {CheckpointLimit >> 30} GiB.");
        FileStream file = NamelessFile.Create();
        try
        {
            using Stream source = entry.Open();
            byte[] buffer = new byte[1 << 20];
            for (long left = entry.Length; left > 0;)
            {
                int read = source.Read(buffer, 0, (int)Math.Min(buffer.Length, left));
                if (read == 0) throw new EndOfStreamException();
                file.Write(buffer, 0, read);
                left -= read;
            }
            file.Position = 0;
            return file;
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            file.Dispose();
            throw new ModelException($"{path}: '{entry.FullName}' cannot be unpacked ({e.Message}); fetch the file again.", e);
        }
    }

    private static MemoryStream Small(ZipArchiveEntry entry, string path)
    {
        if (entry.Length > StatisticsLimit) throw new ModelException($"{path}: '{entry.FullName}' is above the limit of {StatisticsLimit >> 20} MiB.");
        byte[] bytes = new byte[entry.Length];
        try
        {
            using Stream source = entry.Open();
            source.ReadExactly(bytes);
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            throw new ModelException($"{path}: '{entry.FullName}' cannot be unpacked ({e.Message}); fetch the file again.", e);
        }
        return new MemoryStream(bytes);
    }
}
