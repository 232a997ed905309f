using System.Diagnostics;
using System.Globalization;
using System.Text;
using Img2Pose.Monitor.Cameras;
using Img2Pose.Monitor.Configuration;
using Microsoft.AspNetCore.Http;

namespace Img2Pose.Monitor.Web;

/// <summary>Whether the monitor lives, whether its cameras do, and its numbers for Prometheus (text format 0.0.4).</summary>
internal sealed class HealthPages(MonitorService service)
{
    private readonly long _began = Stopwatch.GetTimestamp();

    public void Map(Endpoints endpoints)
    {
        // The process answers: that is all it says, and a dead camera is no reason to restart it.
        endpoints.Map("GET", "/healthz", null, context => context.Response.WriteAsync("ok\n"));
        endpoints.Map("GET", "/readyz", null, ReadyAsync);
        endpoints.Map("GET", "/metrics", Role.Viewer, MetricsAsync);
    }

    private async Task ReadyAsync(HttpContext context)
    {
        CameraStatus[] all = [.. service.Hub.Cameras.Select(camera => camera.Status)];
        int dead = all.Count(status => status.State is not ("live" or "off"));
        // Names are for those who are logged in.
        bool isReady = dead == 0 && service.Store.Problem is null && service.RefusedConfiguration is null;
        await Answers.WriteAsync(context, new { Ready = isReady, Cameras = all.Length, CamerasDead = dead, CamerasUnreached = all.Count(status => status.State == "unreached"), Stores = service.Store.Problem is null, Configured = service.RefusedConfiguration is null },
            isReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable).ConfigureAwait(false);
    }

    private async Task MetricsAsync(HttpContext context)
    {
        StringBuilder text = new();
        CameraStatus[] all = [.. service.Hub.Cameras.Select(camera => camera.Status)];
        Add(text, all, "img2pose_camera_up", "gauge", "1 while pictures come.", status => status.State == "live" ? 1 : 0);
        Add(text, all, "img2pose_camera_reached", "gauge", "1 once a picture has come since it is watched.", status => status.Frames > 0 ? 1 : 0);
        Add(text, all, "img2pose_camera_frames_total", "counter", "Pictures that came.", status => status.Frames);
        Add(text, all, "img2pose_camera_fps", "gauge", "Pictures a second that come.", status => status.Fps);
        Add(text, all, "img2pose_camera_looks_total", "counter", "Pictures that were looked at.", status => status.LooksDone);
        Add(text, all, "img2pose_camera_looks_per_second", "gauge", "Looks a second.", status => status.Looks);
        Add(text, all, "img2pose_camera_dropped_total", "counter", "Pictures that were dropped for newer ones.", status => status.Dropped);
        Add(text, all, "img2pose_camera_outages_total", "counter", "Times that it was lost.", status => status.Outages);
        Add(text, all, "img2pose_camera_age_seconds", "gauge", "95th percentile of the age of pictures when their look is done.", status => status.Age95 / 1000);
        Add(text, all, "img2pose_camera_silent_seconds", "gauge", "Time since the last look.", status => status.Silent);
        Add(text, all, "img2pose_camera_faces", "gauge", "Faces at the last look.", status => status.Faces);
        Add(text, all, "img2pose_camera_queue", "gauge", "Pictures that wait between reading and showing.", status => status.Waiting);
        Add(text, all, "img2pose_camera_cpu_seconds_total", "counter", "Processor time of its own threads: reading, decoding, following, showing, encoding.", status => status.CpuSeconds);
        Add(text, all, "img2pose_camera_network_seconds_total", "counter", "Time of the network that its looks have taken.", status => status.NetworkSeconds);
        Add(text, all, "img2pose_camera_coded_total", "counter", "Pictures of its live view: its own coding, or encoded here, once for all viewers.", status => status.Coded);
        Add(text, all, "img2pose_camera_viewers", "gauge", "Who watches it in full.", status => status.Viewers);
        Add(text, "img2pose_pages", "gauge", "Pages that are open.", service.Live.Clients);
        Add(text, "img2pose_storage_up", "gauge", "1 while events are stored.", service.Store.Problem is null ? 1 : 0);
        Add(text, "img2pose_told_total", "counter", "Events that webhooks and brokers took.", service.Tellers.Told);
        Add(text, "img2pose_untold_total", "counter", "Events that were given up.", service.Tellers.Untold);
        using Process self = Process.GetCurrentProcess();
        Add(text, "process_cpu_seconds_total", "counter", "Processor time.", self.TotalProcessorTime.TotalSeconds);
        Add(text, "process_resident_memory_bytes", "gauge", "Memory.", self.WorkingSet64);
        Add(text, "process_threads", "gauge", "Threads.", self.Threads.Count);
        Add(text, "process_open_fds", "gauge", "Handles.", self.HandleCount);
        GCMemoryInfo heap = GC.GetGCMemoryInfo();
        Add(text, "img2pose_heap_used_bytes", "gauge", "Memory of objects after the collector last ran, what lay unused between them included.", heap.HeapSizeBytes);
        Add(text, "img2pose_heap_fragmented_bytes", "gauge", "What lay unused between them.", heap.FragmentedBytes);
        Add(text, "img2pose_heap_large_bytes", "gauge", "What large objects took of it.", heap.GenerationInfo[3].SizeAfterBytes);
        Add(text, "img2pose_heap_committed_bytes", "gauge", "Memory that the collector holds of the system; the rest of what is resident is the network's, FFmpeg's and the program's own.", heap.TotalCommittedBytes);
        Add(text, "img2pose_heap_collections_total", "counter", "Times that the collector went over all of it.", GC.CollectionCount(2));
        Add(text, "img2pose_uptime_seconds", "gauge", "Time since the start.", Stopwatch.GetElapsedTime(_began).TotalSeconds);
        context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        await context.Response.WriteAsync(text.ToString(), context.RequestAborted).ConfigureAwait(false);
    }

    private static void Add(StringBuilder text, CameraStatus[] cameras, string name, string type, string help, Func<CameraStatus, double?> value)
    {
        text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {type}\n");
        foreach (CameraStatus status in cameras)
        {
            // Names hold nothing that would have to be escaped.
            if (value(status) is { } number) text.Append(CultureInfo.InvariantCulture, $"{name}{{camera=\"{status.Name}\"}} {number:0.######}\n");
        }
    }

    private static void Add(StringBuilder text, string name, string type, string help, double value) =>
        text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {type}\n{name} {value:0.######}\n");
}
