using System.Text;

namespace Img2Pose.Media;

/// <summary>
/// Reads the text of a filter graph as libavfilter does (its av_get_token and graph parser): labels in brackets, filters with
/// their options, separated by commas and semicolons; a backslash or single quotes keep a character from meaning something.
/// </summary>
internal static class FilterGraphText
{
    /// <summary>The filters of a graph, by name, with their options as text, one level of quoting removed.</summary>
    /// <exception cref="UsageException">The text is no filter graph.</exception>
    public static IEnumerable<(string Name, string Options)> Filters(string source, string graph)
    {
        int at = 0;
        if (graph.StartsWith("sws_flags=", StringComparison.Ordinal))
        {
            at = graph.IndexOf(';', StringComparison.Ordinal) + 1;
            if (at == 0) throw new UsageException($"{source}: sws_flags must end with a semicolon");
        }
        while (true)
        {
            SkipLabels(source, graph, ref at);
            string name = Token(graph, ref at, "=,;[");
            string options = "";
            if (at < graph.Length && graph[at] == '=')
            {
                at++;
                options = Token(graph, ref at, "[],;");
            }
            int instance = name.IndexOf('@', StringComparison.Ordinal);
            if (instance >= 0) name = name[..instance];
            if (name.Length == 0) throw new UsageException($"{source}: a filter is missing in it");
            yield return (name, options);

            SkipLabels(source, graph, ref at);
            if (at >= graph.Length) yield break;
            if (graph[at] is not (',' or ';')) throw new UsageException($"{source}: '{graph[at]}' does not belong where it stands in a filter graph");
            at++;
        }
    }

    /// <summary>The keys of a filter's options; an option without one, which goes by its place, has none.</summary>
    public static IEnumerable<string> Keys(string options)
    {
        int at = 0;
        while (at < options.Length)
        {
            int start = at;
            while (at < options.Length && (char.IsAsciiLetterOrDigit(options[at]) || options[at] is '_' or '-' or '.' or '+' or '/' or ' ' or '\t' or '\n' or '\r')) at++;
            if (at < options.Length && options[at] == '=')
            {
                yield return options[start..at].Trim();
                at++;
            }
            else
            {
                at = start;
            }
            _ = Token(options, ref at, ":");
            at++;
        }
    }

    private static void SkipLabels(string source, string graph, ref int at)
    {
        SkipSpace(graph, ref at);
        while (at < graph.Length && graph[at] == '[')
        {
            at++;
            _ = Token(graph, ref at, "]");
            if (at >= graph.Length) throw new UsageException($"{source}: a bracket is not closed in it");
            at++;
            SkipSpace(graph, ref at);
        }
    }

    private static void SkipSpace(string text, ref int at)
    {
        while (at < text.Length && text[at] is ' ' or '\n' or '\t' or '\r') at++;
    }

    /// <summary>The text up to a terminator, unquoted, white space around it dropped.</summary>
    private static string Token(string text, ref int at, string terminators)
    {
        SkipSpace(text, ref at);
        StringBuilder token = new();
        int kept = 0;
        while (at < text.Length && !terminators.Contains(text[at], StringComparison.Ordinal))
        {
            char c = text[at++];
            if (c == '\\' && at < text.Length)
            {
                token.Append(text[at++]);
                kept = token.Length;
            }
            else if (c == '\'')
            {
                while (at < text.Length && text[at] != '\'') token.Append(text[at++]);
                if (at < text.Length) at++;
                kept = token.Length;
            }
            else
            {
                token.Append(c);
                if (c is not (' ' or '\n' or '\t' or '\r')) kept = token.Length;
            }
        }
        token.Length = kept;
        return token.ToString();
    }
}
