namespace Img2Pose.Rendering.Views;

/// <summary>Pixels of the drawn face by where their colour comes from.</summary>
internal struct ShareCount
{
    private int _visible, _remembered, _symmetric, _invented;

    public void Add(bool visible, bool remembered, bool symmetric)
    {
        if (visible) _visible++;
        else if (remembered) _remembered++;
        else if (symmetric) _symmetric++;
        else _invented++;
    }

    public readonly FaceViewReport Report
    {
        get
        {
            double all = _visible + _remembered + _symmetric + _invented;
            return all > 0 ? new FaceViewReport(_visible / all, _remembered / all, _symmetric / all, _invented / all) : default;
        }
    }
}
