using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Img2Pose.Cuda.Kernels;
using Img2Pose.Testing;

namespace Img2Pose.Cuda.Tests;

public sealed partial class KernelLayoutTests
{
    private static readonly string s_kernels = Path.Combine(SharedData.RepositoryRoot, "native", "cuda");
    private static readonly string s_ptx = Path.Combine(SharedData.RepositoryRoot, "src", "Img2Pose.Cuda", "Kernels", "kernels.ptx");

    [Fact]
    public void The_ptx_has_the_entries_that_are_launched_with_their_parameters_sizes()
    {
        string ptx = Encoding.UTF8.GetString(KernelModule.ReadPtx());

        Dictionary<string, int> entries = Entry().Matches(ptx).ToDictionary(
            m => m.Groups["name"].Value, m => int.Parse(m.Groups["bytes"].Value, CultureInfo.InvariantCulture));

        Assert.Equal(
            KernelNames.Parameters.ToDictionary(p => p.Key, p => Layout(nameof(Size), p.Value)).OrderBy(p => p.Key, StringComparer.Ordinal),
            entries.OrderBy(p => p.Key, StringComparer.Ordinal));
    }

    [Fact]
    public void Every_member_of_a_launchs_structures_lies_where_the_kernels_compiler_puts_it()
    {
        Emulator.Load();
        Dictionary<string, Type> types = typeof(TensorJob).Assembly.GetTypes()
            .Where(t => t.Namespace == typeof(TensorJob).Namespace && t is { IsValueType: true, IsEnum: false }).ToDictionary(t => t.Name);

        var native = Emulator.KernelMembers();

        Assert.NotEmpty(native);
        foreach (var structure in native.GroupBy(m => m.Structure))
        {
            Type type = types[structure.Key];
            var expected = structure.Select(m => (Name: Pascal(m.Member), m.Offset, m.Bytes)).ToArray();
            var actual = type.GetFields().Select(f => (f.Name, Offset: Layout(nameof(Offset), type, f), Bytes: Layout(nameof(Size), f.FieldType))).ToArray();
            Assert.Equal(expected, actual);
        }
        Assert.Empty(KernelNames.Parameters.Values.Select(t => t.Name).Except(native.Select(m => m.Structure)));
    }

    [Fact]
    public void The_ptx_is_that_of_the_sources()
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Match listed = Regex.Match(File.ReadAllText(Path.Combine(s_kernels, "build-ptx.sh")), @"cat (?<files>[^|]+) \|");
        foreach (string file in listed.Groups["files"].Value.Split(' ')) hash.AppendData(File.ReadAllBytes(Path.Combine(s_kernels, file)));

        string[] head = [.. File.ReadLines(s_ptx).Take(3)];

        Assert.Equal($"// sources {Convert.ToHexStringLower(hash.GetHashAndReset())}", head[1]);
        // Whatever the translation unit includes is in the hash.
        string[] sources = [.. Directory.GetFiles(s_kernels, "*.h").Select(f => Path.GetFileName(f)).Where(n => n != "cpu.h")];
        Assert.Empty(sources.Except(listed.Groups["files"].Value.Split(' ')));
    }

    [Fact]
    public void The_same_compiler_makes_the_same_ptx()
    {
        string wanted = File.ReadLines(s_ptx).ElementAt(2)["// compiler ".Length..];
        Assert.SkipUnless(Run("clang", "-dumpversion") is { } version && version.Trim() == wanted, $"clang {wanted} is not on this machine");
        string made = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.ptx");
        try
        {
            Assert.NotNull(Run(Path.Combine(s_kernels, "build-ptx.sh"), made));

            Assert.Equal(File.ReadAllText(s_ptx), File.ReadAllText(made));
        }
        finally
        {
            File.Delete(made);
        }
    }

    [Fact]
    public void No_arithmetic_of_the_ptx_may_be_contracted_or_approximate()
    {
        string ptx = Encoding.UTF8.GetString(KernelModule.ReadPtx());

        // Only the pooling fuses, where the CPU does.
        string[] entries = [.. ptx.Split(".visible .entry ").Where(e => !e.StartsWith(KernelNames.PoolRegions, StringComparison.Ordinal))];
        Assert.DoesNotContain(entries, entry => entry.Contains("fma.", StringComparison.Ordinal));
        Assert.DoesNotContain(".approx", ptx, StringComparison.Ordinal);
        Assert.DoesNotContain(".ftz", ptx, StringComparison.Ordinal);
        // Without .rn the driver's compiler might contract a product and a sum.
        Assert.Empty(Regex.Matches(ptx, @"\b(?:mul|add|sub|div)\.f(?:32|64)").Select(m => m.Value));
        // Calls would mean libdevice, or a stack in local memory.
        Assert.DoesNotContain("call", ptx, StringComparison.Ordinal);
    }

    private static string Pascal(string name) => string.Concat(name.Split('_').Select(part => char.ToUpperInvariant(part[0]) + part[1..]));

    private static int Layout(string method, Type type, FieldInfo? field = null)
    {
        MethodInfo generic = typeof(KernelLayoutTests).GetMethod(method, BindingFlags.NonPublic | BindingFlags.Static)!;
        return (int)(field is null ? generic.MakeGenericMethod(type).Invoke(null, null)
            : generic.MakeGenericMethod(type, field.FieldType).Invoke(null, [field]))!;
    }

    private static int Size<T>() => Unsafe.SizeOf<T>();

    // Where the field's bytes turn up when they are all ones.
    private static int Offset<T, TField>(FieldInfo field)
        where T : unmanaged
        where TField : unmanaged
    {
        TField ones = default;
        MemoryMarshal.AsBytes(new Span<TField>(ref ones)).Fill(0xff);
        object boxed = default(T);
        field.SetValue(boxed, ones);
        T value = (T)boxed;
        return MemoryMarshal.AsBytes(new Span<T>(ref value)).IndexOf((byte)0xff);
    }

    private static string? Run(string program, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? output : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    [GeneratedRegex(@"\.visible \.entry (?<name>\w+)\(\s*\.param \.align 8 \.b8 \w+\[(?<bytes>\d+)\]\s*\)")]
    private static partial Regex Entry();
}
