using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;

namespace Img2Pose.Monitor.Web;

/// <summary>The page: a folder of files that are read once, so that no address ever becomes a path.</summary>
internal sealed class PageFiles
{
    private static readonly Dictionary<string, string> s_types = new(StringComparer.Ordinal)
    {
        [".html"] = "text/html; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".svg"] = "image/svg+xml",
        [".json"] = "application/json; charset=utf-8",
    };

    private readonly Dictionary<string, (byte[] Content, string Type, string Tag)> _files;

    private PageFiles(Dictionary<string, (byte[] Content, string Type, string Tag)> files) => _files = files;

    /// <summary>Reads the folder.</summary>
    /// <exception cref="InputException">It is not there, or has no index.html.</exception>
    public static PageFiles Load(string folder)
    {
        Dictionary<string, (byte[], string, string)> files = new(StringComparer.Ordinal);
        try
        {
            foreach (string path in Directory.EnumerateFiles(folder))
            {
                if (!s_types.TryGetValue(Path.GetExtension(path), out string? type)) continue;
                byte[] content = File.ReadAllBytes(path);
                files["/" + Path.GetFileName(path)] = (content, type, $"\"{Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 8))}\"");
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{folder}: the page's files cannot be read: {error.Message.TrimEnd('.')}; install the program again.", error);
        }
        if (!files.TryGetValue("/index.html", out (byte[], string, string) index)) throw new InputException($"{folder}: the page has no index.html; install the program again.");
        files["/"] = index;
        return new PageFiles(files);
    }

    /// <summary>Maps each file.</summary>
    public void Map(Endpoints endpoints)
    {
        foreach ((string name, (byte[] content, string type, string tag)) in _files)
        {
            // What describes the interface lies beside what it describes, for those who may use it.
            bool isDescription = name == "/openapi.json";
            string path = isDescription ? "/api/openapi.json" : name;
            endpoints.Map("GET", path, isDescription ? Configuration.Role.Viewer : null, async context =>
            {
                context.Response.Headers.ETag = tag;
                // Asked for each time, sent only where it is another one.
                context.Response.Headers.CacheControl = "no-cache";
                if (context.Request.Headers.IfNoneMatch == tag)
                {
                    context.Response.StatusCode = StatusCodes.Status304NotModified;
                    return;
                }
                context.Response.ContentType = type;
                context.Response.ContentLength = content.Length;
                if (!HttpMethods.IsHead(context.Request.Method)) await context.Response.Body.WriteAsync(content, context.RequestAborted).ConfigureAwait(false);
            });
        }
    }
}
