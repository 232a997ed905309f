using System.CommandLine;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Img2Pose.Media;

namespace Img2Pose.Cli.Commands;

/// <summary><c>img2pose devices</c>: the cameras of this machine, with what they give.</summary>
internal static class DevicesCommand
{
    /// <summary>Describes the verb.</summary>
    public static Command Create()
    {
        Option<bool> json = new("--json") { Description = "Write JSON, an object a device, in an array." };
        Command command = new("devices", "List cameras with their formats, sizes and rates, and video devices that can be written to.");
        command.Options.Add(json);
        command.SetAction(parsed =>
        {
            IReadOnlyList<CameraDevice> devices = CameraDevice.Find();
            Console.Out.Write(parsed.GetValue(json) ? Json(devices) + "\n" : Text(devices));
            return ExitCode.Done;
        });
        return command;
    }

    private static string Text(IReadOnlyList<CameraDevice> devices)
    {
        if (devices.Count == 0) return "There is no video device (/dev/video*).\n";
        System.Text.StringBuilder text = new();
        foreach (CameraDevice device in devices)
        {
            string kind = device.Problem is { } problem ? problem
                : device.IsCamera ? $"{device.Card} ({device.Driver})" : $"{device.Card} ({device.Driver}), can be written to: --out {device.Path}";
            text.Append(CultureInfo.InvariantCulture, $"{device.Path}  {kind}\n");
            foreach (IGrouping<(string Name, int Width, int Height), CameraFormat> size in device.Formats.GroupBy(format => (format.Name, format.Width, format.Height)))
            {
                string rates = string.Join(", ", size.Where(format => format.Rate > 0).Select(format => format.Rate.ToString("0.##", CultureInfo.InvariantCulture)));
                text.Append(CultureInfo.InvariantCulture, $"  {size.Key.Name,-10} {size.Key.Width}x{size.Key.Height}{(rates.Length > 0 ? $" at {rates}" : "")}\n");
            }
        }
        return text.ToString();
    }

    private static string Json(IReadOnlyList<CameraDevice> devices)
    {
        using MemoryStream memory = new();
        using (Utf8JsonWriter json = new(memory, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartArray();
            foreach (CameraDevice device in devices)
            {
                json.WriteStartObject();
                json.WriteString("path", device.Path);
                json.WriteString("card", device.Card);
                json.WriteString("driver", device.Driver);
                json.WriteBoolean("camera", device.IsCamera);
                json.WriteBoolean("output", device.IsOutput);
                json.WriteString("problem", device.Problem);
                json.WriteStartArray("formats");
                foreach (CameraFormat format in device.Formats)
                {
                    json.WriteStartObject();
                    json.WriteString("format", format.Name);
                    json.WriteNumber("width", format.Width);
                    json.WriteNumber("height", format.Height);
                    if (format.Rate > 0) json.WriteNumber("fps", Math.Round(format.Rate, 3));
                    else json.WriteNull("fps");
                    json.WriteEndObject();
                }
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        return System.Text.Encoding.UTF8.GetString(memory.ToArray());
    }
}
