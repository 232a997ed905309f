using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Img2Pose.Media;

/// <summary>What a camera can give.</summary>
/// <param name="Name">FFmpeg's name of the format, such as "mjpeg" or "yuyv422"; for one that it does not have the driver's four letters.</param>
/// <param name="Width">Width in pixels.</param>
/// <param name="Height">Height in pixels.</param>
/// <param name="Rate">Pictures a second; 0 where the camera does not say.</param>
public sealed record CameraFormat(string Name, int Width, int Height, double Rate)
{
    /// <summary>What FFmpeg is told.</summary>
    internal string FFmpegName => Name;

    /// <summary>Whether this program can read it.</summary>
    internal bool IsReadable { get; init; } = true;

    /// <summary>For people: "mjpeg 1280x720 at 30".</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Name} {Width}x{Height}{(Rate > 0 ? string.Create(CultureInfo.InvariantCulture, $" at {Rate:0.##}") : "")}");
}

/// <summary>A video device of this machine (V4L2).</summary>
public sealed record CameraDevice
{
    // Sizes that are offered of a camera that takes any; all of them would be thousands.
    private static readonly (int Width, int Height)[] s_usualSizes =
        [(320, 240), (640, 360), (640, 480), (800, 600), (1280, 720), (1920, 1080), (2560, 1440), (3840, 2160)];

    private const double UsualRate = 30;

    // No camera lists more; one that never stops listing is broken.
    private const int Most = 256;

    internal const string NoAccess = "permission denied; add yourself to the group video (sudo usermod -aG video $USER) and log in again";

    /// <summary>The device file, such as /dev/video0.</summary>
    public required string Path { get; init; }

    /// <summary>The device's own name; null where it does not open.</summary>
    public string? Card { get; init; }

    /// <summary>The driver's name; null where it does not open.</summary>
    public string? Driver { get; init; }

    /// <summary>Whether pictures come from it.</summary>
    public bool IsCamera { get; init; }

    /// <summary>Whether pictures can be written to it: a loopback device.</summary>
    public bool IsOutput { get; init; }

    /// <summary>What a camera gives, format by format as the driver lists them.</summary>
    public IReadOnlyList<CameraFormat> Formats { get; init; } = [];

    /// <summary>Why it cannot be used, with what to do; null where it can.</summary>
    public string? Problem { get; init; }

    /// <summary>All video devices, by number; those that only carry data beside a camera's pictures are left out.</summary>
    public static IReadOnlyList<CameraDevice> Find()
    {
        List<(int Number, string Path)> paths = [];
        foreach (string path in Directory.EnumerateFileSystemEntries("/dev", "video*"))
        {
            if (int.TryParse(path.AsSpan("/dev/video".Length), NumberStyles.None, CultureInfo.InvariantCulture, out int number)) paths.Add((number, path));
        }
        return [.. paths.Distinct().OrderBy(device => device.Number).Select(device => Describe(device.Path)).Where(device => device.IsCamera || device.IsOutput || device.Problem is not null)];
    }

    /// <summary>What is known about one device.</summary>
    public static CameraDevice Describe(string path) => Describe(path, new LiveSourceOptions());

    /// <summary>The same; of a camera that takes any size or rate between two, what is wished for is among its formats where it can be had.</summary>
    internal static CameraDevice Describe(string path, LiveSourceOptions wishes)
    {
        ArgumentNullException.ThrowIfNull(path);
        using SafeFileHandle device = V4l2.Open(path, out int error);
        if (device.IsInvalid)
        {
            return new CameraDevice
            {
                Path = path,
                Problem = error switch
                {
                    1 or 13 => NoAccess,
                    2 or 6 or 19 => "there is no such device",
                    16 => "in use by another program",
                    _ => string.Create(CultureInfo.InvariantCulture, $"cannot be opened (error {error})"),
                },
            };
        }
        V4l2.Capability capability = default;
        if (!V4l2.TryQuery(device, ref capability)) return new CameraDevice { Path = path, Problem = "is no video device" };
        uint can = (capability.Capabilities & V4l2.DeviceCapabilities) != 0 ? capability.DeviceCapabilities : capability.Capabilities;
        bool captures = (can & V4l2.VideoCapture) != 0;
        return new CameraDevice
        {
            Path = path,
            Card = CardOf(capability),
            Driver = DriverOf(capability),
            IsCamera = captures,
            IsOutput = (can & V4l2.VideoOutput) != 0,
            Formats = captures ? ListFormats(device, wishes) : [],
        };
    }

    /// <summary>
    /// The format to ask a camera for: of those that are as the user wants it, else the largest one up to 1280×720 that gives 24 or more
    /// pictures a second, compressed ones above 640×480, where raw ones need more than USB carries at full rate. Null where the camera
    /// lists nothing: then it decides.
    /// </summary>
    /// <exception cref="LiveFailureException">It has none that the user wants, or does not say what it has.</exception>
    internal CameraFormat? Choose(LiveSourceOptions options)
    {
        CameraFormat[] readable = [.. Formats.Where(format => format.IsReadable)];
        string wanted = string.Join(" ", new[]
        {
            options.CameraFormat,
            options.CameraSize is { } size ? FormattableString.Invariant($"{size.Width}x{size.Height}") : null,
            options.CameraRate is { } rate ? FormattableString.Invariant($"at {rate:0.##}") : null,
        }.Where(part => part is not null));
        if (readable.Length == 0)
        {
            if (wanted.Length > 0) throw new LiveFailureException(LiveFailureKind.Incurable, $"the camera does not say what it has, so {wanted} cannot be asked of it; leave that out");
            return null;
        }
        CameraFormat[] fitting = [.. readable.Where(format => Fits(format, options))];
        if (fitting.Length == 0) throw new LiveFailureException(LiveFailureKind.Incurable, $"the camera does not have {wanted}; it has {List(readable)}");
        return fitting.MaxBy(format => Rank(format, options));
    }

    private static bool Fits(CameraFormat format, LiveSourceOptions options) =>
        (options.CameraSize is not { } size || (format.Width == size.Width && format.Height == size.Height))
        && (options.CameraFormat is not { } name || string.Equals(name, format.Name, StringComparison.OrdinalIgnoreCase) || (name == "yuyv" && format.Name == "yuyv422"))
        && (options.CameraRate is not { } rate || format.Rate <= 0 || Math.Abs(format.Rate - rate) < 0.01 * rate);

    private static (bool, bool, long, double, bool) Rank(CameraFormat format, LiveSourceOptions options)
    {
        long pixels = (long)format.Width * format.Height;
        bool small = options.CameraSize is not null || pixels <= 1280 * 720;
        bool quick = options.CameraRate is not null || format.Rate is 0 or >= 24;
        // Above 640×480 compressed, else raw: it costs no decoding.
        bool suits = format.Name == "mjpeg" == (pixels > 640 * 480);
        return (quick, small, small ? pixels : -pixels, Math.Min(format.Rate, 30), suits);
    }

    private static string List(CameraFormat[] formats)
    {
        const int Shown = 8;
        string[] texts = [.. formats.Select(format => format.ToString()).Distinct()];
        string list = string.Join(", ", texts.Take(Shown));
        return texts.Length > Shown ? $"{list} and {texts.Length - Shown} more (img2pose devices)" : list;
    }

    private static unsafe string CardOf(V4l2.Capability capability) => V4l2.Text(new ReadOnlySpan<byte>(capability.Card, 32));

    private static unsafe string DriverOf(V4l2.Capability capability) => V4l2.Text(new ReadOnlySpan<byte>(capability.Driver, 16));

    private static List<CameraFormat> ListFormats(SafeFileHandle device, LiveSourceOptions wishes)
    {
        List<CameraFormat> formats = [];
        for (uint i = 0; i < Most; i++)
        {
            V4l2.Format format = new() { Index = i, Type = V4l2.Capture };
            if (!V4l2.TryList(device, ref format)) break;
            string? name = PixelFormatNames.FFmpegName(format.PixelFormat);
            foreach ((int width, int height) in ListSizes(device, format.PixelFormat, wishes.CameraSize))
            {
                foreach (double rate in ListRates(device, format.PixelFormat, width, height, wishes.CameraRate))
                    formats.Add(new CameraFormat(name ?? PixelFormatNames.Letters(format.PixelFormat), width, height, rate) { IsReadable = name is not null });
            }
        }
        return formats;
    }

    private static List<(int Width, int Height)> ListSizes(SafeFileHandle device, uint pixelFormat, (int Width, int Height)? wish)
    {
        const uint Discrete = 1;
        List<(int, int)> sizes = [];
        for (uint i = 0; i < Most; i++)
        {
            V4l2.FrameSize size = new() { Index = i, PixelFormat = pixelFormat };
            if (!V4l2.TryList(device, ref size)) break;
            if (size.Type == Discrete)
            {
                sizes.Add(((int)size.WidthOrLeast, (int)size.HeightOrMost));
                continue;
            }
            // Any size between two, by steps: least width, most width, step; then the same of the height.
            (uint leastWidth, uint mostWidth, uint widthStep) = (size.WidthOrLeast, size.HeightOrMost, Math.Max(size.WidthStep, 1));
            uint heightStep = Math.Max(size.HeightStep, 1);
            IEnumerable<(int, int)> offered = wish is { } own ? s_usualSizes.Append(own).Distinct() : s_usualSizes;
            foreach ((int width, int height) in offered)
            {
                if (width >= leastWidth && width <= mostWidth && height >= size.HeightLeast && height <= size.HeightMost
                    && (width - leastWidth) % widthStep == 0 && (height - size.HeightLeast) % heightStep == 0) sizes.Add((width, height));
            }
            if (sizes.Count == 0) sizes.Add(((int)mostWidth, (int)size.HeightMost));
            break;
        }
        return sizes;
    }

    private static List<double> ListRates(SafeFileHandle device, uint pixelFormat, int width, int height, double? wish)
    {
        const uint Discrete = 1;
        List<double> rates = [];
        for (uint i = 0; i < Most; i++)
        {
            V4l2.FrameInterval interval = new() { Index = i, PixelFormat = pixelFormat, Width = (uint)width, Height = (uint)height };
            if (!V4l2.TryList(device, ref interval)) break;
            if (interval.Numerator == 0) break;
            double highest = (double)interval.Denominator / interval.Numerator;
            if (interval.Type != Discrete)
            {
                // Any interval between two: the least is the highest rate.
                double lowest = interval.MostNumerator > 0 ? (double)interval.MostDenominator / interval.MostNumerator : highest;
                rates.AddRange(new[] { wish ?? UsualRate, UsualRate, highest }.Where(rate => rate >= lowest && rate <= highest).Distinct());
                break;
            }
            rates.Add(highest);
        }
        if (rates.Count == 0) rates.Add(0);
        return rates;
    }
}
