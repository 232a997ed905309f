using System.Diagnostics;
using System.Text;

namespace Img2Pose.Fuzz;

/// <summary>
/// What stands in for coverage: where an input was refused (the site that threw, the form of the message), or the kind of
/// what was read. No instrumentation; it tells apart as many outcomes as the parser has ways to say no.
/// </summary>
internal static class Signature
{
    /// <summary>Of a refusal.</summary>
    public static int Of(Exception error)
    {
        HashCode hash = new();
        for (Exception? e = error; e is not null; e = e.InnerException)
        {
            hash.Add(e.GetType().Name);
            StackFrame? top = new StackTrace(e, false).GetFrame(0);
            hash.Add(top?.GetMethod()?.Name);
            hash.Add(top?.GetILOffset() ?? 0);
        }
        hash.Add(Form(error.Message));
        return hash.ToHashCode();
    }

    // The message without what varies: numbers, and what stands in quotes.
    private static string Form(string message)
    {
        StringBuilder form = new();
        bool quoted = false;
        foreach (char c in message)
        {
            if (c == '\'') quoted = !quoted;
            else if (!quoted && char.IsAsciiLetter(c) && form.Length < 80) form.Append(c);
        }
        return form.ToString();
    }
}
