using FFmpeg.AutoGen;

namespace Img2Pose.Media;

/// <summary>What a source says about itself apart from its streams: title and the like, timecode, chapters. Keeps no native memory.</summary>
internal sealed unsafe class SourceTags
{
    // Of the file that it was, not of what it shows.
    private static readonly string[] s_ofTheFile = ["encoder", "major_brand", "minor_version", "compatible_brands", "duration", "timecode"];
    private static readonly string[] s_ofTheStream = ["title", "language", "timecode"];

    // More than any disc or book has; each one costs the output's header some bytes.
    private const int MaxChapters = 10_000;

    private readonly List<(string Key, string Value)> _container = [];
    private readonly List<(string Key, string Value)> _video = [];
    private readonly List<Chapter> _chapters = [];

    private sealed record Chapter(long Id, double Start, double End, List<(string Key, string Value)> Tags);

    /// <summary>Reads an input's, for an output that begins at <paramref name="origin"/> and holds the part from start to end.</summary>
    public static SourceTags Read(AVFormatContext* container, AVStream* video, double origin, double start, double end, string path, Action<string>? warn)
    {
        SourceTags tags = new();
        tags._container.AddRange(Entries(container->metadata).Where(entry => !s_ofTheFile.Contains(entry.Key, StringComparer.OrdinalIgnoreCase)));
        tags._video.AddRange(Entries(video->metadata).Where(entry => s_ofTheStream.Contains(entry.Key, StringComparer.OrdinalIgnoreCase)));
        string? timecode = Value(video->metadata, "timecode") ?? Value(container->metadata, "timecode");
        for (uint i = 0; timecode is null && i < container->nb_streams; i++) timecode = Value(container->streams[i]->metadata, "timecode");
        tags._video.RemoveAll(entry => entry.Key.Equals("timecode", StringComparison.OrdinalIgnoreCase));
        if (timecode is not null)
        {
            if (double.IsNegativeInfinity(start)) tags._video.Add(("timecode", timecode));
            else warn?.Invoke($"{path}: the timecode ({timecode}) is left out, as the output begins later than it counts from");
        }
        for (uint i = 0; i < container->nb_chapters && i < MaxChapters; i++)
        {
            AVChapter* chapter = container->chapters[i];
            if (chapter->time_base.num <= 0 || chapter->time_base.den <= 0) continue;
            double tick = (double)chapter->time_base.num / chapter->time_base.den;
            double from = Math.Max(chapter->start * tick, start), to = Math.Min(chapter->end * tick, end);
            if (to > from) tags._chapters.Add(new Chapter(chapter->id, Math.Max(0, from - origin), to - origin, Entries(chapter->metadata)));
        }
        return tags;
    }

    /// <summary>Gives them to an output whose header is not written yet.</summary>
    public void Apply(AVFormatContext* output, AVStream* video)
    {
        foreach ((string key, string value) in _container) _ = ffmpeg.av_dict_set(&output->metadata, key, value, 0);
        foreach ((string key, string value) in _video) _ = ffmpeg.av_dict_set(&video->metadata, key, value, 0);
        if (_chapters.Count == 0) return;
        // The output frees both the table and what it points to.
        output->chapters = (AVChapter**)NotNull(ffmpeg.av_mallocz(checked((ulong)_chapters.Count * (ulong)sizeof(nint))));
        foreach (Chapter chapter in _chapters)
        {
            AVChapter* native = (AVChapter*)NotNull(ffmpeg.av_mallocz((ulong)sizeof(AVChapter)));
            native->id = chapter.Id;
            native->time_base = new AVRational { num = 1, den = 1000 };
            native->start = (long)Math.Round(chapter.Start * 1000);
            native->end = (long)Math.Round(chapter.End * 1000);
            foreach ((string key, string value) in chapter.Tags) _ = ffmpeg.av_dict_set(&native->metadata, key, value, 0);
            output->chapters[output->nb_chapters++] = native;
        }
    }

    private static void* NotNull(void* memory) => memory != null ? memory : throw new InsufficientMemoryException("FFmpeg is out of memory.");

    private static string? Value(AVDictionary* tags, string key)
    {
        AVDictionaryEntry* entry = ffmpeg.av_dict_get(tags, key, null, 0);
        return entry == null ? null : FFmpegRuntime.Text(entry->value);
    }

    private static List<(string Key, string Value)> Entries(AVDictionary* tags)
    {
        List<(string, string)> entries = [];
        AVDictionaryEntry* entry = null;
        while ((entry = ffmpeg.av_dict_get(tags, "", entry, ffmpeg.AV_DICT_IGNORE_SUFFIX)) != null)
            entries.Add((FFmpegRuntime.Text(entry->key) ?? "", FFmpegRuntime.Text(entry->value) ?? ""));
        return entries;
    }
}
