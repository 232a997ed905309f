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

    /// <summary>
    /// Rotates points [p,3] by each code [n,4] of <see cref="Networks.CellCode"/>: (x, y) of any length whose direction is (cos ρ, sin ρ),
    /// and the nod α and turn β over <paramref name="tiltScale"/> [1,2]. R = Rz(ρ)·Rx(α)·Ry(β); gives [n, p, 3].
    /// </summary>
    internal static Tensor TurnByCode(Tensor codes, Tensor points, Tensor tiltScale)
    {
        Tensor direction = codes.narrow(1, 0, 2);
        Tensor unit = direction / (direction.square().sum(1, keepdim: true) + 1e-6).sqrt();
        Tensor cosine = unit.narrow(1, 0, 1), sine = unit.narrow(1, 1, 1);
        Tensor tilt = codes.narrow(1, 2, 2) * tiltScale;
        Tensor cosA = tilt.narrow(1, 0, 1).cos(), sinA = tilt.narrow(1, 0, 1).sin();
        Tensor cosB = tilt.narrow(1, 1, 1).cos(), sinB = tilt.narrow(1, 1, 1).sin();
        // Rows of Rx·Ry, then the first two turned by Rz.
        Tensor first = cat([cosB, cosB - cosB, sinB], 1);
        Tensor second = cat([sinA * sinB, cosA, -(sinA * cosB)], 1);
        Tensor third = cat([-(cosA * sinB), sinA, cosA * cosB], 1);
        Tensor matrix = cat([first * cosine - second * sine, first * sine + second * cosine, third], 1).reshape(-1, 3, 3);
        return points.matmul(matrix.transpose(1, 2));
    }
}
