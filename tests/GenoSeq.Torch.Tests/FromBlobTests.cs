using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Torch.Tests;

public sealed unsafe class FromBlobTests
{
    [Fact]
    public void FromBlob_SharesMemoryAndKeepsTheOwnerWhileAViewLives()
    {
        (Tensor view, WeakReference owner) = Make();
        Memory.Collect();
        Assert.True(owner.IsAlive);
        Assert.Equal(new float[] { 4, 5, 6, 7 }, view.ToArray<float>());
        view.Dispose();
        Memory.Collect();
        Assert.False(owner.IsAlive);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static (Tensor, WeakReference) Make()
        {
            using DisposeScope scope = NewDisposeScope();
            var o = new Owner(8);
            Tensor t = from_blob(o.Data, [2, 4], float32, o);
            Assert.Equal(o.Data, t.data_ptr());
            return (t.select(0, 1).DetachFromDisposeScope(), new WeakReference(o));
        }
    }

    [Fact]
    public void FromBlob_GraphHoldsTheTensor_OwnerLivesUntilTheGraphGoes()
    {
        using Tensor w = ones([4]).requires_grad_();
        (Tensor loss, WeakReference owner) = Make(w);
        Memory.Collect();
        Assert.True(owner.IsAlive);
        loss.backward();
        using (Tensor? g = w.grad)
        {
            Assert.Equal(new float[] { 0, 1, 2, 3 }, g!.ToArray<float>());
        }

        loss.Dispose();
        Memory.Collect();
        Assert.False(owner.IsAlive);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static (Tensor, WeakReference) Make(Tensor w)
        {
            using DisposeScope scope = NewDisposeScope();
            var o = new Owner(4);
            Tensor loss = (from_blob(o.Data, [4], float32, o) * w).sum();
            return (loss.DetachFromDisposeScope(), new WeakReference(o));
        }
    }

    [Theory]
    [InlineData(-1L, 6)]
    [InlineData(2L, 99)]
    public void FromBlob_Refused_LetsTheOwnerGo(long size, int dtype)
    {
        WeakReference owner = Fail(size, dtype);
        Memory.Collect();
        Assert.False(owner.IsAlive);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference Fail(long size, int dtype)
        {
            var o = new Owner(4);
            var e = Assert.Throws<TorchException>(() => from_blob(o.Data, [size], (ScalarType)dtype, o));
            Assert.Equal("from_blob", e.Operator);
            return new WeakReference(o);
        }
    }

    [Fact]
    public void FromBlob_NoMemoryNoElements_LetsTheOwnerGo()
    {
        WeakReference owner = Make();
        Memory.Collect();
        Assert.False(owner.IsAlive);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference Make()
        {
            var o = new object();
            using Tensor t = from_blob(0, [0, 3], float32, o);
            Assert.Equal(0, t.numel());
            return new WeakReference(o);
        }
    }

    [Fact]
    public void FromBlob_CollectedUnderStress_NeverFreesTooEarly()
    {
        int freed = Owner.Freed;
        var kept = new List<Tensor>();
        for (int k = 0; k < 400; k++)
        {
            var o = new Owner(64);
            new Span<float>((void*)o.Data, 64).Fill(k);
            Tensor t = from_blob(o.Data, [64], float32, o);
            kept.Add(t.narrow(0, 32, 1));
            t.Dispose();
            if (k % 20 == 0)
            {
                GC.Collect();
            }
        }

        Memory.Collect();
        Assert.Equal(freed, Owner.Freed);
        for (int k = 0; k < kept.Count; k++)
        {
            Assert.Equal(k, kept[k].ToDouble());
            kept[k].Dispose();
        }

        Memory.Collect();
        Assert.InRange(Owner.Freed - freed, 399, 400); // the last may still be in a register
    }

    private sealed class Owner(int floats)
    {
        internal static int Freed;

        internal nint Data { get; } = Fill((nint)NativeMemory.Alloc((nuint)floats * sizeof(float)), floats);

        ~Owner()
        {
            new Span<float>((void*)Data, floats).Fill(float.NaN);
            NativeMemory.Free((void*)Data);
            Interlocked.Increment(ref Freed);
        }

        private static nint Fill(nint p, int n)
        {
            for (int k = 0; k < n; k++)
            {
                ((float*)p)[k] = k;
            }

            return p;
        }
    }
}
