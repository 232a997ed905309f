using static TorchSharp.torch;

namespace Img2Pose.Training.Networks;

/// <summary>Modules under names of several parts, as state dicts write them: <c>rpn.head.conv</c>.</summary>
internal static class ModulePaths
{
    /// <summary>
    /// Registers <paramref name="module"/> below <paramref name="root"/>. TorchSharp allows no dots in a name: each part before the
    /// last is a module of its own that only holds others, made where there is none yet.
    /// </summary>
    internal static void Register(this nn.Module root, string path, nn.Module module)
    {
        string[] parts = path.Split('.');
        foreach (string part in parts.AsSpan(0, parts.Length - 1))
        {
            nn.Module? inner = root.named_children().FirstOrDefault(child => child.name == part).module;
            if (inner is null) root.register_module(part, inner = new Holder(part));
            root = inner;
        }
        root.register_module(parts[^1], module);
    }

    private sealed class Holder(string name) : nn.Module(name);
}
