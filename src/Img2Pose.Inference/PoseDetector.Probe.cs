using System.Runtime.CompilerServices;
using Microsoft.ML.OnnxRuntime;

namespace Img2Pose.Inference;

/// <summary>What a GPU's provider really does with a network.</summary>
public sealed partial class PoseDetector
{
    /// <summary>Runs a small empty picture once and reads from the session's profile which provider ran what.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Probe(string name)
    {
        int side = Size.Pad(64);
        NetworkInput input = _graph.Shape(1, side, side);
        input.Clear();
        input.Sizes.Fill(side);
        try
        {
            _graph.Run(new NetworkRequest((float)ScoreThreshold), _results);
            Dictionary<string, Dictionary<string, int>> nodes = [];
            foreach (string profile in _graph.EndProfiling())
            {
                using (FileStream stream = File.OpenRead(profile)) ProviderProbe.Count(stream, nodes);
                File.Delete(profile);
            }
            if (nodes.Count == 0) return;
            ProviderProbe.Require(InferenceDevice.Cuda, nodes);
            ProviderDescription = $"{name} ({ProviderProbe.Summarise(nodes)})";
        }
        catch (OnnxRuntimeException error)
        {
            throw new ModelException($"{name} cannot be used: {OneLine.Of(error.Message)} Use --device cpu, or see 'img2pose doctor'.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or System.Text.Json.JsonException)
        {
            // The session works; only the report of its nodes could not be read.
            ProviderDescription = name;
        }
    }
}
