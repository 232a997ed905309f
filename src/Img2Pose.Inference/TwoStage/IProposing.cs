namespace Img2Pose.Inference.TwoStage;

/// <summary>A network whose proposals are chosen by this program, not by its graph.</summary>
internal interface IProposing
{
    /// <summary>Keeps other numbers of anchors and proposals than the model says; null keeps the model's.</summary>
    /// <exception cref="UsageException">More than can be chosen from here.</exception>
    void LimitProposals(int? before, int? after);
}
