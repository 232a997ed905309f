using System.Globalization;
using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace Img2Pose.Monitor.Configuration;

/// <summary>A mistake in a configuration: where it is and what is wrong.</summary>
/// <param name="Line">Line from 1; 0 where it has none.</param>
/// <param name="Field">The field, such as <c>cameras[1].zones.door</c>.</param>
/// <param name="Message">What is wrong, and what to do.</param>
internal sealed record ConfigurationError(int Line, string Field, string Message)
{
    /// <inheritdoc/>
    public override string ToString() => Line > 0
        ? string.Create(CultureInfo.InvariantCulture, $"line {Line}, {Field}: {Message}")
        : $"{Field}: {Message}";
}

/// <summary>
/// A value of a YAML file with its place, read as what it should be. Mistakes are collected, not thrown: what cannot be read has a default.
/// </summary>
internal sealed partial class YamlField
{
    private const int DeepestNesting = 20;

    private readonly YamlNode? _node;
    private readonly List<ConfigurationError> _errors;
    private readonly Secrets _secrets;
    private readonly int _line;

    public YamlField(YamlNode? node, string path, int line, List<ConfigurationError> errors, Secrets secrets)
    {
        (_node, Path, _line, _errors, _secrets) = (node, path, line, errors, secrets);
    }

    /// <summary>What messages call it.</summary>
    public string Path { get; }

    /// <summary>Whether it is there and not empty.</summary>
    public bool IsThere => _node is not null && !(_node is YamlScalarNode { Value: null or "" or "~" or "null", Style: YamlDotNet.Core.ScalarStyle.Plain });

    /// <summary>Whether it is a text of no letters, in quotes or none.</summary>
    public bool IsBlank => _node is YamlScalarNode { Value: null or "" };

    /// <summary>Notes a mistake in this field.</summary>
    public void Fail(string message) => _errors.Add(new ConfigurationError(_node is null ? _line : (int)_node.Start.Line, Path, message));

    /// <summary>A field of this mapping, which may be absent.</summary>
    public YamlField this[string name]
    {
        get
        {
            YamlNode? found = null;
            if (_node is YamlMappingNode mapping)
            {
                foreach ((YamlNode key, YamlNode value) in mapping.Children)
                {
                    if (key is YamlScalarNode scalar && scalar.Value == name) found = value;
                }
            }
            int line = _node is null ? _line : (int)_node.Start.Line;
            return new YamlField(found, Path.Length == 0 ? name : $"{Path}.{name}", line, _errors, _secrets);
        }
    }

    /// <summary>Checks that it is a mapping of these fields and no others; false where it is none.</summary>
    public bool IsMapping(params ReadOnlySpan<string> fields)
    {
        if (!IsThere) return false;
        if (_node is not YamlMappingNode mapping)
        {
            Fail("must be fields, such as \"name: …\", one a line");
            return false;
        }
        foreach ((YamlNode key, YamlNode _) in mapping.Children)
        {
            string? name = (key as YamlScalarNode)?.Value;
            if (name is not null && fields.Contains(name)) continue;
            string field = name ?? "?";
            _errors.Add(new ConfigurationError((int)key.Start.Line, Path.Length == 0 ? field : $"{Path}.{field}", $"is unknown; known are {string.Join(", ", fields.ToArray())}"));
        }
        return true;
    }

    /// <summary>The items of this list; a single value counts as a list of one.</summary>
    public IEnumerable<YamlField> Items()
    {
        if (!IsThere) yield break;
        if (_node is YamlSequenceNode sequence)
        {
            int index = 0;
            foreach (YamlNode item in sequence.Children)
                yield return new YamlField(item, string.Create(CultureInfo.InvariantCulture, $"{Path}[{index++}]"), (int)item.Start.Line, _errors, _secrets);
        }
        else if (_node is YamlMappingNode)
        {
            Fail("must be a list, each item behind \"- \"");
        }
        else
        {
            yield return this;
        }
    }

    /// <summary>The fields of this mapping, whatever they are called.</summary>
    public IEnumerable<(string Name, YamlField Value)> Entries()
    {
        if (!IsThere) yield break;
        if (_node is not YamlMappingNode mapping)
        {
            Fail("must be names with values, such as \"door: …\"");
            yield break;
        }
        foreach ((YamlNode key, YamlNode value) in mapping.Children)
        {
            string name = (key as YamlScalarNode)?.Value ?? "";
            yield return (name, new YamlField(value, $"{Path}.{name}", (int)value.Start.Line, _errors, _secrets));
        }
    }

    /// <summary>Text as it stands, or null where it is absent.</summary>
    public string? Text()
    {
        if (!IsThere) return null;
        if (_node is YamlScalarNode { Value: { } text }) return text;
        Fail("must be one value, no list and no fields");
        return null;
    }

    /// <summary>Text that must be there.</summary>
    public string Required()
    {
        if (Text() is { Length: > 0 } text) return text;
        if (_node is null || _node is YamlScalarNode) Fail("is missing");
        return "";
    }

    /// <summary>A text that may hold <c>${VARIABLE}</c>, or be <c>file:PATH</c>, whose content it is then.</summary>
    public string? Secret()
    {
        string? text = Text();
        if (text is null) return null;
        string? value = _secrets.Resolve(text, out string? why);
        if (why is not null) Fail(why);
        return value ?? "";
    }

    /// <summary>A number within a range.</summary>
    public double? Number(double least, double most)
    {
        if (Text() is not { } text) return null;
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value >= least && value <= most) return value;
        Fail(string.Create(CultureInfo.InvariantCulture, $"must be a number from {least} to {most}, not \"{Short(text)}\""));
        return null;
    }

    /// <summary>A time: a number of seconds, or with a unit: 500ms, 3s, 2m, 1h, 7d.</summary>
    public double? Seconds(double least, double most)
    {
        if (Text() is not { } text) return null;
        Match match = Duration().Match(text);
        if (match.Success && double.TryParse(match.Groups[1].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double value))
        {
            double unit = match.Groups[2].Value switch { "ms" => 0.001, "m" => 60, "h" => 3600, "d" => 86400, _ => 1 };
            if (value * unit >= least && value * unit <= most) return value * unit;
        }
        Fail(string.Create(CultureInfo.InvariantCulture, $"must be a time from {least} to {most} s, such as 3s or 2m, not \"{Short(text)}\""));
        return null;
    }

    /// <summary>Yes or no.</summary>
    public bool? YesNo()
    {
        if (Text() is not { } text) return null;
        switch (text.ToLowerInvariant())
        {
            case "true" or "yes" or "on": return true;
            case "false" or "no" or "off": return false;
            default:
                Fail($"must be true or false, not \"{Short(text)}\"");
                return null;
        }
    }

    /// <summary>One of several words.</summary>
    public string? Word(params ReadOnlySpan<string> words)
    {
        if (Text() is not { } text) return null;
        foreach (string word in words)
        {
            if (word == text) return word;
        }
        Fail($"must be one of {string.Join(", ", words.ToArray())}, not \"{Short(text)}\"");
        return null;
    }

    /// <summary>Reads a text as YAML; null where it is none, or names itself: what is wrong is noted.</summary>
    public static YamlField? Parse(string text, List<ConfigurationError> errors, Secrets secrets)
    {
        YamlStream stream = [];
        NestingLimit parser = new(new YamlDotNet.Core.Parser(new StringReader(text)), DeepestNesting);
        try
        {
            stream.Load(parser);
        }
        catch (YamlDotNet.Core.YamlException error)
        {
            errors.Add(new ConfigurationError((int)error.Start.Line, "YAML", error.Message));
            return null;
        }
        catch (Exception error) when (error is InvalidOperationException or ArgumentException or FormatException or IndexOutOfRangeException or InvalidCastException or NullReferenceException)
        {
            // Of the library, on damaged text: what it checks with exceptions of other kinds, and what it does not check.
            errors.Add(new ConfigurationError(parser.Line, "YAML", "is not understood, here or in the lines below"));
            return null;
        }
        if (stream.Documents.Count == 0) return new YamlField(null, "", 1, errors, secrets);
        return new YamlField(stream.Documents[0].RootNode, "", 1, errors, secrets);
    }

    private static string Short(string text) => text.Length <= 40 ? text : text[..40] + "…";

    [GeneratedRegex("^([0-9]+(?:\\.[0-9]+)?) ?(ms|s|m|h|d)?$", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Duration();

    /// <summary>Refuses what is nested deeper than any configuration, and references to other places, before anything is built of it.</summary>
    private sealed class NestingLimit(YamlDotNet.Core.IParser inner, int most) : YamlDotNet.Core.IParser
    {
        private int _depth;

        /// <summary>Where it has come to.</summary>
        public int Line { get; private set; } = 1;

        public YamlDotNet.Core.Events.ParsingEvent? Current => inner.Current;

        public bool MoveNext()
        {
            if (!inner.MoveNext()) return false;
            if (inner.Current is { } current)
            {
                _depth += current.NestingIncrease;
                if (current.End.Line > Line) Line = (int)current.End.Line;
                if (_depth > most) throw new YamlDotNet.Core.SyntaxErrorException(current.Start, current.End, "it is nested too deeply");
                if (current is YamlDotNet.Core.Events.AnchorAlias) throw new YamlDotNet.Core.SyntaxErrorException(current.Start, current.End, "references (*name) are not used here; write the value");
            }
            return true;
        }
    }
}
