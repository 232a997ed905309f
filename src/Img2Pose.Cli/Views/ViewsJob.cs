using System.Globalization;
using Img2Pose.Cli.Running;
using Img2Pose.Core;
using Img2Pose.Frames;
using Img2Pose.Inference;
using Img2Pose.Media;
using Img2Pose.Pipeline;
using Img2Pose.Pipeline.Views;

namespace Img2Pose.Cli.Views;

/// <summary>Carries out <c>views</c>: over pictures one by one, over a video through the engine, which tells its faces apart.</summary>
internal sealed class ViewsJob(ViewsSettings settings, TextWriter messages)
{
    private readonly FileRoles _roles = new();
    private long _faces, _pictures, _failed;

    /// <summary>Does it, and returns the exit code.</summary>
    public async Task<int> RunAsync(CancellationToken stop)
    {
        RunFiles.AddModel(_roles, settings.Model);
        _roles.Reads(settings.Boxes, "the faces (--boxes)");
        if (FaceTable.IsOriginalTable(settings.Source))
        {
            if (settings.Boxes is not null) throw new UsageException("The source is a table of faces already; leave out --boxes.");
            return RunTable(FaceTable.Load(settings.Source), stop);
        }
        IReadOnlyList<string> sources = MediaSource.Expand(settings.Source);
        if (sources.Count > 1) throw new UsageException($"{settings.Source}: names {sources.Count} videos; give views one at a time.");
        RunFiles.AddSource(_roles, settings.Source);
        using IFrameSource source = MediaSource.Open(sources[0], new SourceOptions { Cancellation = stop, Warning = Say, Logger = ProgramLog.Logger });
        if (!source.Info.IsImages) return await RunVideoAsync(source, stop);
        FaceTable? table = settings.Boxes is null ? null : FaceTable.Load(settings.Boxes);
        return RunPictures(source, table, stop);
    }

    private async Task<int> RunVideoAsync(IFrameSource source, CancellationToken stop)
    {
        if (settings.Original) throw new UsageException("--mode fpn takes pictures; write the video's pictures as files first, or leave it out.");
        if (settings.Plan.Names == ViewNames.Original) throw new UsageException("--names original are those of a table's keys; a video has none.");
        ViewPlan plan = settings.Plan;
        await using PoseEngine engine = PoseEngine.Create(new PoseEngineOptions
        {
            Model = settings.Model,
            Detection = new PoseDetectorOptions { Device = settings.Device, ScoreThreshold = settings.Score, Stop = stop },
        });
        BoxTable? boxes = settings.Boxes is null ? null : BoxTable.Load(settings.Boxes);
        await using PoseSession session = engine.Open(source, new SessionOptions { Boxes = boxes, AnyRoll = settings.AnyRoll, StopReason = () => Interruption.Current?.Reason ?? "interrupted" });
        IdentityViews views = new(new ViewFiles(settings.Output, plan, _roles.ReadAs), plan, source.Info.Name);
        session.AddSink(views, "views");
        RunReport report = await session.RunAsync(stop);
        messages.WriteLine(string.Create(CultureInfo.InvariantCulture, $"img2pose: views of {views.Faces} faces of {report.Frames} frames in {settings.Output}."));
        return ExitCode.Done;
    }

    private int RunPictures(IFrameSource source, FaceTable? table, CancellationToken stop)
    {
        ILookup<string, ListedFace>? listed = table?.Faces.ToLookup(face => Path.GetFileName(face.File), StringComparer.Ordinal);
        HashSet<string> used = new(StringComparer.Ordinal);
        using ViewFiles files = new(settings.Output, settings.Plan, _roles.ReadAs);
        using PictureViews views = OpenViews(files, stop);
        while (source.TryRead(out VideoFrame? frame))
        {
            using (frame)
            {
                stop.ThrowIfCancellationRequested();
                string name = frame.SourceName ?? "picture";
                used.Add(Path.GetFileName(name));
                Take(views, frame, name, listed is null ? null : [.. listed[Path.GetFileName(name)]]);
            }
        }
        if (table is not null)
        {
            foreach (string error in table.Errors) Fail(error);
            foreach (IGrouping<string, ListedFace> rows in listed!.Where(rows => !used.Contains(rows.Key)))
                Fail($"{table.Path}:{rows.First().Line}: the source has no {rows.Key}.");
        }
        return End(files, source.DamagedFrames);
    }

    /// <summary>Every picture that a table names, in the order of its rows; each is opened once.</summary>
    private int RunTable(FaceTable table, CancellationToken stop)
    {
        _roles.Reads(table.Path, "the faces");
        string folder = Path.GetDirectoryName(Path.GetFullPath(table.Path))!;
        // As the original, by the current folder; else beside the table.
        string Find(string file) => File.Exists(file) ? file : Path.Combine(folder, file);
        foreach (ListedFace face in table.Faces) _roles.Reads(Find(face.File), "a picture of the table");
        using ViewFiles files = new(settings.Output, settings.Plan, _roles.ReadAs);
        using PictureViews views = OpenViews(files, stop);
        foreach (string error in table.Errors) Fail(error);
        foreach (IGrouping<string, ListedFace> rows in table.Faces.GroupBy(face => face.File, StringComparer.Ordinal))
        {
            stop.ThrowIfCancellationRequested();
            string path = Find(rows.Key);
            try
            {
                using VideoFrame frame = ImageFile.Read(path);
                Take(views, frame, path, [.. rows]);
            }
            catch (InputException error)
            {
                Fail($"{table.Path}:{rows.First().Line}: {error.Message}");
            }
        }
        return End(files, 0);
    }

    private PictureViews OpenViews(ViewFiles files, CancellationToken stop)
    {
        ModelPackage model = ModelPackage.Load(ModelLocator.Find(settings.Model));
        PoseDetector detector = PoseDetector.Create(model, new PoseDetectorOptions { Device = settings.Device, ScoreThreshold = settings.Score, Stop = stop });
        if (detector.DeviceNote is { } note) Say(note);
        return new PictureViews(detector, files, settings);
    }

    private void Take(PictureViews views, VideoFrame frame, string name, ListedFace[]? listed)
    {
        _pictures++;
        try
        {
            int count = listed is null ? views.Find(frame) : 0;
            if (listed is null && count == 0) Say($"{name}: no face above the threshold.");
            else if (listed is { Length: 0 }) Say($"{name}: the table has no face of it.");
            for (int i = 0; i < (listed?.Length ?? count); i++)
            {
                try
                {
                    if (listed is null ? views.WriteFound(frame, name, i) : views.WriteListed(frame, name, listed[i], listed.Length, i)) _faces++;
                    else Fail($"{name}: a face there is not before the camera; it has no views.");
                }
                catch (InputException error)
                {
                    Fail(listed is null ? $"{name}: {error.Message}" : $"{name}, line {listed[i].Line} of the table: {error.Message}");
                }
            }
        }
        catch (OutputException error)
        {
            // The other pictures' views may well be written.
            Fail(error.Message);
        }
    }

    private int End(ViewFiles files, long damaged)
    {
        files.Complete();
        messages.WriteLine(string.Create(CultureInfo.InvariantCulture, $"img2pose: {files.Views} views of {_faces} faces of {_pictures} pictures in {settings.Output}."));
        // What could not be read, drawn or written was reported; the rest is done.
        return damaged > 0 || _failed > 0 ? ExitCode.Failed : ExitCode.Done;
    }

    private void Fail(string message)
    {
        _failed++;
        Say(message);
    }

    private void Say(string message) => messages.WriteLine($"img2pose: {ErrorReport.OneLine(message)}");
}
