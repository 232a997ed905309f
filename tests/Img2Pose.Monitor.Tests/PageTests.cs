using Microsoft.Playwright;

namespace Img2Pose.Monitor.Tests;

/// <summary>Debian's Chromium, driven as a person would.</summary>
public sealed class Browser : IAsyncLifetime
{
    private const string Program = "/usr/bin/chromium";
    private IPlaywright? _playwright;

    internal IBrowser Instance { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Assert.True(File.Exists(Program), $"{Program} is missing; scripts/apt-packages-test.txt has its package");
        _playwright = await Playwright.CreateAsync();
        // Tests run as root in containers, where Chromium has no sandbox of its own.
        Instance = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = Program, Args = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"] });
    }

    public async ValueTask DisposeAsync()
    {
        if (Instance is not null) await Instance.DisposeAsync();
        _playwright?.Dispose();
    }
}

public class PageTests(HeadServer heads, Browser browser) : IClassFixture<Browser>
{
    /// <summary>Where pictures of the page go, for who wants to look at them.</summary>
    private static string? Screenshots => Environment.GetEnvironmentVariable("IMG2POSE_SCREENSHOTS");

    private async Task<(IPage Page, List<string> Errors)> OpenAsync(MonitorHost host, ColorScheme scheme = ColorScheme.Light, int width = 1280, int height = 800, string path = "/")
    {
        IPage page = await browser.Instance.NewPageAsync(new BrowserNewPageOptions { ColorScheme = scheme, ViewportSize = new ViewportSize { Width = width, Height = height } });
        page.SetDefaultTimeout((float)MonitorHost.Limit.TotalMilliseconds);
        List<string> errors = [];
        // What the policy of the page forbids is told here, too.
        page.Console += (_, message) =>
        {
            if (message.Type == "error" && !message.Text.Contains("status of 404", StringComparison.Ordinal) && !message.Text.Contains("status of 400", StringComparison.Ordinal) && !message.Text.Contains("status of 401", StringComparison.Ordinal)) errors.Add(message.Text);
        };
        page.PageError += (_, error) => errors.Add(error);
        await page.GotoAsync(host.Address + path);
        return (page, errors);
    }

    private static async Task ShootAsync(IPage page, string name)
    {
        if (Screenshots is { } folder) await page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder, name + ".png"), FullPage = true });
    }

    /// <summary>Texts whose contrast against what lies behind them is below WCAG 2's AA, over solid grounds.</summary>
    private static Task<string[]> LowContrastAsync(IPage page) => page.EvaluateAsync<string[]>("""
        () => {
          const parse = colour => (colour.match(/[\d.]+/g) ?? []).map(Number);
          const light = ([r, g, b]) => [r, g, b].map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
          const low = [];
          for (const element of document.querySelectorAll('body *')) {
            if (![...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim()) || !element.checkVisibility() || element.closest('.picture, .visually-hidden, .skip, option')) continue;
            let ground = element, behind;
            while (ground && (behind = parse(getComputedStyle(ground).backgroundColor), behind.length === 4 && behind[3] === 0)) ground = ground.parentElement;
            const style = getComputedStyle(element), a = light(parse(style.color)), b = light(ground ? behind : [255, 255, 255]);
            const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05), large = parseFloat(style.fontSize) >= 24 || parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700;
            if (ratio < (large ? 3 : 4.5)) low.push(`${element.textContent.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
          }
          return low;
        }
        """);

    /// <summary>Controls without a name that a screen reader could say, and pages that are wider than their window.</summary>
    private static Task<string[]> UnnamedAsync(IPage page) => page.EvaluateAsync<string[]>("""
        () => [...document.querySelectorAll('button, a[href], input, select, textarea, canvas[role], img, video')]
          .filter(element => element.checkVisibility() && element.getAttribute('aria-hidden') !== 'true')
          .filter(element => !(element.getAttribute('aria-label') || element.textContent.trim() || element.labels?.length || element.alt))
          .map(element => element.outerHTML.slice(0, 80))
          .concat(document.documentElement.scrollWidth > innerWidth + 1 ? [`the page is ${document.documentElement.scrollWidth} wide in ${innerWidth}`] : [])
        """);

    /// <summary>Begins a shape and sets corners with the mouse, at parts of the picture.</summary>
    private static async Task DrawAsync(IPage page, ILocator editor, string begin, params (double X, double Y)[] corners)
    {
        await editor.GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { Name = begin }).ClickAsync();
        ILocator canvas = editor.Locator("canvas");
        await canvas.ScrollIntoViewIfNeededAsync();
        foreach ((double x, double y) in corners)
        {
            LocatorBoundingBoxResult box = (await canvas.BoundingBoxAsync())!;
            await canvas.ClickAsync(new LocatorClickOptions { Position = new Position { X = (float)(x * box.Width), Y = (float)(y * box.Height) } });
        }
    }

    private static async Task ShouldBeFitAsync(IPage page, List<string> errors)
    {
        Assert.Empty(await LowContrastAsync(page));
        Assert.Empty(await UnnamedAsync(page));
        Assert.Empty(errors);
    }

    /// <summary>In both themes, and as wide as a phone; it is left as it was.</summary>
    private static async Task ShouldBeFitEverywhereAsync(IPage page, List<string> errors, string name)
    {
        PageViewportSizeResult before = page.ViewportSize!;
        foreach ((ColorScheme scheme, int width, string kind) in ((ColorScheme, int, string)[])[(ColorScheme.Dark, 390, "phone"), (ColorScheme.Dark, before.Width, "dark"), (ColorScheme.Light, before.Width, "light")])
        {
            await page.EmulateMediaAsync(new PageEmulateMediaOptions { ColorScheme = scheme });
            await page.SetViewportSizeAsync(width, before.Height);
            await ShouldBeFitAsync(page, errors);
            await ShootAsync(page, $"{kind}-{name}");
        }
    }

    private string Cameras => $$"""
        cameras:
          - { name: door, url: "{{heads.Url()}}", looks: 5, fov: 70 }
          - { name: hall, url: "{{heads.Url(1)}}", looks: 2, mask: true }
          - { name: yard, url: "rtsp://127.0.0.1:1/x" }
        rules:
          - { name: turned-away, when: away, angle: 25, for: 1s }
          - { name: somebody, when: appears }
        """;

    [Theory]
    [InlineData(ColorScheme.Light, 1280, "light")]
    [InlineData(ColorScheme.Dark, 1280, "dark")]
    [InlineData(ColorScheme.Dark, 390, "phone")]
    public async Task Every_part_of_the_page_is_shown_and_can_be_used(ColorScheme scheme, int width, string name)
    {
        await using MonitorHost host = await MonitorHost.StartAsync(Cameras);
        await host.UntilLookedAtAsync("door", 5);
        (IPage page, List<string> errors) = await OpenAsync(host, scheme, width);

        // All cameras, live and dead.
        await page.Locator(".tile:has-text('door') .state.live").WaitForAsync();
        await page.WaitForFunctionAsync("() => [...document.querySelectorAll('.tile')].some(tile => { const canvas = tile.querySelector('.shown'); return tile.textContent.includes('door') && canvas.width === 480; })");
        await page.Locator(".tile.stale:has-text('yard') .veil", new PageLocatorOptions { HasTextString = "Not reached yet: connection refused. Tried again" }).WaitForAsync();
        await page.Locator(".tile:has-text('yard') .state.unreached", new PageLocatorOptions { HasTextString = "not reached yet" }).WaitForAsync();
        await page.WaitForFunctionAsync("""
            () => { const drawn = document.querySelector('.tile .drawn'); return drawn.width > 0 && drawn.getContext('2d').getImageData(0, 0, drawn.width, drawn.height).data.some(value => value > 0); }
            """);
        await ShouldBeFitAsync(page, errors);
        await ShootAsync(page, $"{name}-grid");

        // One camera, by keys: its own coding plays, near the edge.
        await page.Locator(".tile:has-text('door') > a").FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await page.WaitForFunctionAsync("() => { const video = document.querySelector('video'); return video && video.videoWidth === 640 && video.currentTime > 0 && video.readyState >= 2; }");
        await page.GetByText("the camera’s own coding").WaitForAsync();
        await page.WaitForFunctionAsync("() => { const video = document.querySelector('video'); return video.buffered.length && video.buffered.end(video.buffered.length - 1) - video.currentTime <= 0.75; }");
        double before = await page.EvaluateAsync<double>("() => document.querySelector('video').currentTime");
        await page.WaitForFunctionAsync("before => document.querySelector('video').currentTime > before + 1", before);
        await page.WaitForFunctionAsync("() => document.querySelector('.chart.yaw').getAttribute('aria-label').includes('last ')");
        await ShouldBeFitAsync(page, errors);
        await ShootAsync(page, $"{name}-camera");

        // The event list, when the head has turned away and back.
        await host.UntilAsync(() => host.Log.Lines.Any(line => line.Contains("turned-away", StringComparison.Ordinal)), "an event");
        await page.Keyboard.PressAsync("e");
        await page.Locator("table.events tr", new PageLocatorOptions { HasTextString = "turned-away" }).First.WaitForAsync();
        await page.Locator("table.events img").First.WaitForAsync();
        await page.GetByLabel("Kind").SelectOptionAsync("away");
        await page.WaitForFunctionAsync("() => { const rows = [...document.querySelectorAll('table.events tbody tr')]; return rows.length > 0 && rows.every(row => row.textContent.includes('turned-away')); }");
        await ShouldBeFitAsync(page, errors);
        await ShootAsync(page, $"{name}-events");

        // Settings.
        await page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = "Settings" }).ClickAsync();
        await page.GetByRole(AriaRole.Heading, new PageGetByRoleOptions { Name = "Add a camera" }).WaitForAsync();
        await ShouldBeFitAsync(page, errors);
        await ShootAsync(page, $"{name}-settings");
        // Of a camera that stands in the file: what is drawn is shown as the file would have it.
        await page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Areas" }).First.ClickAsync();
        await DrawAsync(page, page.Locator(".file-areas"), "New zone", (0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7), (0.3, 0.3));
        await page.WaitForFunctionAsync("""() => /^zones:\n  zone1: \[(\[0\.\d+, 0\.\d+\](, )?){4}\]$/.test(document.querySelector('.yaml').value)""");
        await ShouldBeFitAsync(page, errors);
        await ShootAsync(page, $"{name}-areas");
        await page.Locator(".file-areas").GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { Name = "Close" }).ClickAsync();
        await page.Keyboard.PressAsync("Escape");
        await page.Locator(".tile").First.WaitForAsync();
        await page.CloseAsync();
    }

    [Fact]
    public async Task A_camera_is_entered_tried_changed_and_removed_in_the_page()
    {
        await using MonitorHost host = await MonitorHost.StartAsync("cameras: []\n");
        (IPage page, List<string> errors) = await OpenAsync(host);
        await page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = "Add one" }).ClickAsync();

        await page.GetByRole(AriaRole.Textbox, new PageGetByRoleOptions { NameRegex = new("^Name ") }).FillAsync("front");
        await page.GetByLabel("Address").FillAsync(heads.Url(2).Replace("rtsp://", "rtsp://me:secret77@", StringComparison.Ordinal));
        await page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Try" }).ClickAsync();
        await page.GetByText("It works: 640×360").WaitForAsync();
        await page.Locator("img.tried").WaitForAsync();
        await page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Save" }).ClickAsync();
        await page.GetByText("front is saved.").WaitForAsync();
        await page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Edit" }).ClickAsync();
        Assert.Contains("••••@", await page.GetByLabel("Address").InputValueAsync());
        Assert.DoesNotContain("secret77", await page.ContentAsync());
        await DrawAsync(page, page.Locator("form .areas"), "New zone", (0.2, 0.2), (0.6, 0.25), (0.5, 0.8));
        await page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Done" }).ClickAsync();
        await page.GetByLabel("Name of the zone").FillAsync("mat");
        // A line by keys alone: its ends are set with Enter, ten steps apart.
        await page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "New line" }).FocusAsync();
        foreach (string key in (string[])["Enter", "Shift+ArrowLeft", "Enter", "Shift+ArrowRight", "Shift+ArrowRight", "ArrowDown", "Enter"]) await page.Keyboard.PressAsync(key);
        await page.GetByLabel("Size of a look").FillAsync("320");
        await page.GetByLabel("Hours").FillAsync("00:00-24:00");
        await ShouldBeFitEverywhereAsync(page, errors, "edit");
        await page.GetByLabel("Hide every face").CheckAsync();
        await page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Save" }).ClickAsync();
        await host.UntilAsync(() => host.Service.Hub.Find("front")?.Configuration.Mask == true, "a mask");
        Monitor.Configuration.CameraConfiguration kept = host.Service.Hub.Find("front")!.Configuration;
        Assert.Contains("secret77", kept.Url);
        Assert.Equal(320, kept.Size);
        Monitor.Configuration.ZoneConfiguration zone = Assert.Single(kept.Zones);
        Assert.Equal(("mat", 3), (zone.Name, zone.Points.Count));
        Assert.InRange(zone.Points[0].X, 0.19, 0.21);
        Assert.InRange(zone.Points[2].Y, 0.79, 0.81);
        Assert.Equal(new Monitor.Configuration.LineConfiguration("line1", new(0.45, 0.5), new(0.55, 0.51)), Assert.Single(kept.Lines));
        page.Dialog += (_, dialog) => _ = dialog.AcceptAsync();
        await page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Remove" }).ClickAsync();
        await host.UntilAsync(() => host.Service.Hub.Cameras.Count == 0, "no camera");
        await page.GetByText("camera removed: front").WaitForAsync();
        Assert.Empty(errors);
        await page.CloseAsync();
    }

    [Fact]
    public async Task Who_logs_in_sees_what_the_role_allows_and_a_monitor_that_is_gone_looks_gone()
    {
        MonitorHost host = await MonitorHost.StartAsync("""
            users: [{ name: vera, role: viewer, password: veras-password77 }]
            cameras: [{ name: a, url: "lavfi:testsrc2=size=320x240:rate=10", looks: 2 }]
            """);
        (IPage page, List<string> errors) = await OpenAsync(host);
        await page.GetByLabel("User").FillAsync("vera");
        await page.GetByLabel("Password").FillAsync("wrong");
        await page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Log in" }).ClickAsync();
        await page.GetByText("user or password is wrong").WaitForAsync();
        await ShouldBeFitEverywhereAsync(page, errors, "login");
        await page.GetByLabel("Password").FillAsync("veras-password77");
        await page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Log in" }).ClickAsync();
        await page.Locator(".tile .state.live").WaitForAsync();
        Assert.False(await page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = "Settings" }).IsVisibleAsync());
        Assert.Empty(errors);

        await host.DisposeAsync();

        await page.GetByText("The monitor cannot be reached").WaitForAsync();
        await page.Locator(".tile.stale .veil", new PageLocatorOptions { HasTextString = "No connection" }).WaitForAsync();
        await ShootAsync(page, "gone");
        await page.CloseAsync();
    }
}
