using static TorchSharp.torch;

namespace Img2Pose.Training.Losses;

/// <summary>Differentiable rotations.</summary>
internal static class RotationTensors
{
    /// <summary>Rotates points [p,3] by each rotation vector [n,3] (Rodrigues' formula): [n, p, 3].</summary>
    internal static Tensor Turn(Tensor vectors, Tensor points)
    {
        // The tiny summand keeps the gradient finite at the identity; it changes angles below 1e-4 rad only.
        Tensor angle = (vectors.square().sum(1, keepdim: true) + 1e-12).sqrt();
        Tensor axis = vectors / angle;
        Tensor x = axis.narrow(1, 0, 1), y = axis.narrow(1, 1, 1), z = axis.narrow(1, 2, 1);
        Tensor none = x - x;
        Tensor cross = cat([none, -z, y, z, none, -x, -y, x, none], 1).reshape(-1, 3, 3);
        // (R·X)ᵀ = Xᵀ·Rᵀ with R = I + sin·[k] + (1 − cos)·[k]².
        Tensor once = points.matmul(cross.transpose(1, 2));
        Tensor twice = once.matmul(cross.transpose(1, 2));
        return points + once * angle.sin().unsqueeze(2) + twice * (-angle.cos() + 1).unsqueeze(2);
    }
}
