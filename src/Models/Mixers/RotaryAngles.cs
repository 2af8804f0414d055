using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers;

/// <summary>Angles of rotary positions (Su et al. 2021).</summary>
internal static class RotaryAngles
{
    private const int Cached = 4;

    private static readonly Lock s_lock = new();
    private static readonly List<(Key Key, Tensor Cos, Tensor Sin)> s_cache = [];

    /// <summary>
    /// Angles f64 [length, d_head / 2] of positions from <paramref name="first"/> on. Double precision: at a million positions
    /// single precision would be off by 0.06 rad.
    /// </summary>
    internal static Tensor Compute(long first, long length, int dHead, double theta, double scale, Device device)
    {
        Tensor exponent = arange(0, dHead, 2, float64, device).div(dHead).mul(-Math.Log(theta));
        Tensor position = arange(first, first + length, 1, float64, device).div(scale);
        return outer(position, exponent.exp());
    }

    /// <summary>
    /// Cosine and sine, f32 [length, d_head / 2] each, of positions from 0 on. All layers of a model want the same ones, in every
    /// step, so the last few are kept; the caller gets aliases of its own.
    /// </summary>
    internal static (Tensor Cos, Tensor Sin) Get(long length, int dHead, double theta, double scale, Device device)
    {
        var key = new Key(length, dHead, theta, scale, device.ToString());
        lock (s_lock)
        {
            int at = s_cache.FindIndex(e => e.Key == key);
            if (at < 0)
            {
                if (s_cache.Count == Cached)
                {
                    s_cache[0].Cos.Dispose();
                    s_cache[0].Sin.Dispose();
                    s_cache.RemoveAt(0);
                }

                using IDisposable mode = no_grad();
                using DisposeScope scope = NewDisposeScope();
                Tensor angles = Compute(0, length, dHead, theta, scale, device);
                at = s_cache.Count;
                s_cache.Add((key, angles.cos().to(float32).DetachFromDisposeScope(), angles.sin().to(float32).DetachFromDisposeScope()));
            }

            return (s_cache[at].Cos.alias(), s_cache[at].Sin.alias());
        }
    }

    private readonly record struct Key(long Length, int DHead, double Theta, double Scale, string Device);
}
