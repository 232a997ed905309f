using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace Img2Pose.Testing;

/// <summary>
/// Writes down the public surface of an assembly, one signature a line, and compares it with a checked-in
/// <c>PublicApi.txt</c>. The stand-ins of <c>src/Interop</c> may only hold what the package they mirror holds; the file
/// says, after <c> # </c>, where each signature was read.
/// </summary>
public static class PublicApi
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<Type, string> s_keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(bool)] = "bool",
        [typeof(byte)] = "byte",
        [typeof(sbyte)] = "sbyte",
        [typeof(short)] = "short",
        [typeof(ushort)] = "ushort",
        [typeof(int)] = "int",
        [typeof(uint)] = "uint",
        [typeof(long)] = "long",
        [typeof(ulong)] = "ulong",
        [typeof(float)] = "float",
        [typeof(double)] = "double",
        [typeof(decimal)] = "decimal",
        [typeof(char)] = "char",
        [typeof(string)] = "string",
        [typeof(object)] = "object",
        [typeof(nint)] = "nint",
        [typeof(nuint)] = "nuint",
    };

    /// <summary>
    /// Every public type and every public member it declares, in ordinal order: kinds, modifiers, parameter names and
    /// types, values of constants. Left out: accessors (the property says it), what the compiler adds, and overrides of
    /// <see cref="object"/>'s methods.
    /// </summary>
    public static IReadOnlyList<string> Describe(Assembly assembly)
    {
        List<string> lines = [];
        foreach (Type type in assembly.GetExportedTypes())
        {
            lines.Add(DescribeType(type));
            if (typeof(Delegate).IsAssignableFrom(type)) continue;
            foreach (MemberInfo member in type.GetMembers(Declared))
            {
                if (DescribeMember(type, member) is { } line) lines.Add(line);
            }
        }
        lines.Sort(StringComparer.Ordinal);
        return lines;
    }

    /// <summary>
    /// Fails unless <paramref name="path"/> lists exactly the public surface of <paramref name="assembly"/>, sorted, each
    /// line with a note after <c> # </c>. Empty lines and lines that begin with <c>#</c> are ignored.
    /// </summary>
    public static void AssertMatches(Assembly assembly, string path)
    {
        Assert.True(File.Exists(path), $"{path} is missing");
        List<string> expected = [], unsourced = [];
        foreach (string line in File.ReadLines(path))
        {
            if (line.Length == 0 || line[0] == '#') continue;
            int note = line.IndexOf(" # ", StringComparison.Ordinal);
            if (note < 0 || string.IsNullOrWhiteSpace(line[(note + 3)..])) unsourced.Add(line);
            expected.Add(note < 0 ? line : line[..note]);
        }

        IReadOnlyList<string> actual = Describe(assembly);
        string[] missing = [.. expected.Except(actual)], added = [.. actual.Except(expected)];
        if (missing.Length + added.Length + unsourced.Count > 0)
        {
            StringBuilder message = new($"{path} and the public surface of {assembly.GetName().Name} differ.\n");
            foreach (string line in missing) message.Append("- listed, not in the assembly: ").Append(line).Append('\n');
            foreach (string line in added) message.Append("+ in the assembly, not listed: ").Append(line).Append('\n');
            foreach (string line in unsourced) message.Append("? without ' # source': ").Append(line).Append('\n');
            Assert.Fail(message.ToString());
        }
        Assert.Equal(expected.Order(StringComparer.Ordinal), expected);
    }

    /// <summary>
    /// Fails where the assembly has a public type or member that <paramref name="path"/> lacks: the signatures of the real
    /// package, one a line, as <see cref="Describe"/> writes them. A type may implement fewer interfaces than the real one;
    /// what the compiler makes for a fixed buffer is nobody's API.
    /// </summary>
    public static void AssertMirrors(Assembly assembly, string path)
    {
        HashSet<string> members = new(StringComparer.Ordinal);
        Dictionary<string, (string Kind, HashSet<string> Bases)> types = new(StringComparer.Ordinal);
        foreach (string line in File.ReadLines(path))
        {
            if (line.Length == 0 || line[0] == '#') continue;
            if (SplitBases(line) is { } split) types[split.Kind] = split;
            members.Add(line);
        }
        Assert.NotEmpty(members);

        string[] invented =
        [
            .. Describe(assembly).Where(line => !members.Contains(line) && !line.Contains(">e__FixedBuffer", StringComparison.Ordinal)
                && !(SplitBases(line) is { } own && types.TryGetValue(own.Kind, out (string Kind, HashSet<string> Bases) real)
                    && own.Bases.IsSubsetOf(real.Bases))),
        ];

        Assert.True(invented.Length == 0, $"{assembly.GetName().Name} has what the real package lacks:\n{string.Join('\n', invented)}");
    }

    /// <summary>A type's line without its bases, and these; null for a member's line.</summary>
    private static (string Kind, HashSet<string> Bases)? SplitBases(string line)
    {
        int kind = line.IndexOf(" : ", StringComparison.Ordinal);
        if (kind < 0 || !s_typeKinds.Any(word => line.AsSpan(kind + 3).StartsWith(word))) return null;
        int bases = line.IndexOf(" (", kind, StringComparison.Ordinal);
        return bases < 0 ? (line, []) : (line[..bases], [.. line[(bases + 2)..^1].Split(", ")]);
    }

    private static readonly string[] s_typeKinds = ["struct", "readonly struct", "class", "static class", "abstract class", "sealed class", "interface"];

    private static string DescribeType(Type type)
    {
        StringBuilder text = new(Name(type));
        text.Append(" : ").Append(Kind(type));
        if (typeof(Delegate).IsAssignableFrom(type))
        {
            MethodInfo invoke = type.GetMethod("Invoke")!;
            return text.Append(' ').Append(Parameters(invoke.GetParameters())).Append(" -> ").Append(Name(invoke.ReturnType)).ToString();
        }
        if (type.IsEnum) return text.Append(' ').Append(Name(type.GetEnumUnderlyingType())).ToString();
        List<string> bases = [];
        if (type is { IsClass: true, BaseType: { } parent } && parent != typeof(object)) bases.Add(Name(parent));
        bases.AddRange(type.GetInterfaces().Where(i => i.IsPublic && !Inherited(type, i)).Select(Name).Order(StringComparer.Ordinal));
        if (bases.Count > 0) text.Append(" (").AppendJoin(", ", bases).Append(')');
        return text.ToString();
    }

    private static bool Inherited(Type type, Type contract) =>
        type.BaseType?.GetInterfaces().Contains(contract) == true
        || type.GetInterfaces().Any(other => other != contract && other.GetInterfaces().Contains(contract));

    private static string Kind(Type type)
    {
        if (typeof(Delegate).IsAssignableFrom(type)) return "delegate";
        if (type.IsEnum) return "enum";
        if (type.IsInterface) return "interface";
        if (type.IsValueType) return type.IsDefined(typeof(IsReadOnlyAttribute)) ? "readonly struct" : "struct";
        string modifier = type switch
        {
            { IsAbstract: true, IsSealed: true } => "static ",
            { IsAbstract: true } => "abstract ",
            { IsSealed: true } => "sealed ",
            _ => "",
        };
        return modifier + "class";
    }

    private static string? DescribeMember(Type type, MemberInfo member)
    {
        string prefix = Name(type) + ".";
        switch (member)
        {
            case ConstructorInfo constructor:
                return constructor.IsStatic ? null : prefix + "new" + Parameters(constructor.GetParameters());
            case FieldInfo field:
                if (field.IsSpecialName) return null;
                if (type.IsEnum || field.IsLiteral)
                {
                    object? value = field.GetRawConstantValue();
                    string literal = type.IsEnum ? "" : Name(field.FieldType) + " ";
                    return string.Create(CultureInfo.InvariantCulture, $"{prefix}{field.Name} = {literal}{value}");
                }
                string mode = (field.IsStatic ? "static " : "") + (field.IsInitOnly ? "readonly " : "");
                return $"{prefix}{field.Name} : {mode}{Name(field.FieldType)}";
            case PropertyInfo property:
                string accessors = (property.GetMethod is { IsPublic: true } ? "get; " : "")
                    + (property.SetMethod is { IsPublic: true } ? "set; " : "");
                string index = property.GetIndexParameters() is { Length: > 0 } parameters ? Parameters(parameters) : "";
                return $"{prefix}{property.Name}{index} : {Static(property.GetAccessors())}{Name(property.PropertyType)} {{ {accessors}}}";
            case EventInfo @event:
                return $"{prefix}{@event.Name} : event {Name(@event.EventHandlerType!)}";
            case MethodInfo method:
                bool isOperator = method.IsSpecialName && method.Name.StartsWith("op_", StringComparison.Ordinal);
                if (method.IsSpecialName && !isOperator) return null;
                if (method.IsDefined(typeof(CompilerGeneratedAttribute))) return null;
                if (method.GetBaseDefinition() != method
                    && (method.GetBaseDefinition().DeclaringType == typeof(object) || method.GetBaseDefinition().DeclaringType == typeof(ValueType)))
                    return null;
                string generic = method.IsGenericMethodDefinition
                    ? $"<{string.Join(", ", method.GetGenericArguments().Select(Name))}>" : "";
                return $"{prefix}{method.Name}{generic}{Parameters(method.GetParameters())} : {Static([method])}{Name(method.ReturnType)}";
            default:
                return null;
        }
    }

    private static string Static(MethodInfo[] methods) => methods is [{ IsStatic: true }, ..] ? "static " : "";

    private static string Parameters(ParameterInfo[] parameters) =>
        "(" + string.Join(", ", parameters.Select(p => $"{Direction(p)}{Name(p.ParameterType)} {p.Name}{Default(p)}")) + ")";

    private static string Direction(ParameterInfo parameter) => parameter switch
    {
        { IsOut: true, ParameterType.IsByRef: true } => "out ",
        { IsIn: true, ParameterType.IsByRef: true } => "in ",
        { ParameterType.IsByRef: true } => "ref ",
        _ when parameter.IsDefined(typeof(ParamArrayAttribute)) => "params ",
        _ => "",
    };

    private static string Default(ParameterInfo parameter) => !parameter.HasDefaultValue ? ""
        : " = " + (parameter.RawDefaultValue is string text ? $"\"{text}\""
            : Convert.ToString(parameter.RawDefaultValue, CultureInfo.InvariantCulture) is { Length: > 0 } value ? value : "default");

    private static string Name(Type type)
    {
        if (type.IsByRef) return Name(type.GetElementType()!);
        if (type.IsPointer) return Name(type.GetElementType()!) + "*";
        if (type.IsArray) return $"{Name(type.GetElementType()!)}[{new string(',', type.GetArrayRank() - 1)}]";
        if (type.IsFunctionPointer)
            return $"delegate*<{string.Join(", ", type.GetFunctionPointerParameterTypes().Append(type.GetFunctionPointerReturnType()).Select(Name))}>";
        if (type.IsGenericParameter) return type.Name;
        if (s_keywords.TryGetValue(type, out string? keyword)) return keyword;
        if (Nullable.GetUnderlyingType(type) is { } underlying) return Name(underlying) + "?";
        string name = type.FullName is null || type.IsGenericType ? QualifiedName(type) : type.FullName.Replace('+', '.');
        return name;
    }

    private static string QualifiedName(Type type)
    {
        Type[] arguments = type.GetGenericArguments();
        int outer = type.DeclaringType?.GetGenericArguments().Length ?? 0;
        string bare = type.Name.Split('`')[0];
        string scope = type.DeclaringType is { } declaring
            ? QualifiedName(declaring.IsGenericTypeDefinition && type.IsConstructedGenericType
                ? declaring.MakeGenericType(arguments[..outer]) : declaring) + "."
            : type.Namespace is { Length: > 0 } space ? space + "." : "";
        return scope + bare + (arguments.Length > outer ? $"<{string.Join(", ", arguments[outer..].Select(Name))}>" : "");
    }
}
