namespace GenoSeq.Torch;

public static partial class torch
{
    public static partial class distributed
    {
        public sealed partial class ProcessGroup
        {
            private static readonly Operator s_viewAs = new("aten::view", "dtype");

            /// <summary>
            /// Puts the reduction of all ranks' tensors in place of each. Over Gloo a mean is a sum divided afterwards, and
            /// bfloat16 is reduced in single precision.
            /// </summary>
            /// <param name="tensor">Values of this rank; the result afterwards.</param>
            /// <param name="op">The reduction.</param>
            /// <param name="async_op">Return at once; the result is there after <see cref="Work.Wait"/>.</param>
            public Work all_reduce(Tensor tensor, ReduceOp op = ReduceOp.SUM, bool async_op = false)
            {
                const string name = "all_reduce";
                Require(name, tensor);
                RequireFloatingMean(name, tensor, op);
                using DisposeScope scope = NewDisposeScope();
                using IDisposable mode = no_grad();
                Tensor target = Kept(tensor);
                if (!IsGloo)
                {
                    return Start(name, Kind.AllReduce, [], [target], op, 0, async_op, [target], null);
                }

                Tensor sum = tensor.dtype == bfloat16 ? Kept(tensor.to(float32)) : target;
                return Start(name, Kind.AllReduce, [], [sum], Summed(op), 0, async_op, [target, sum], () =>
                {
                    Mean(sum, op);
                    if (!ReferenceEquals(sum, target))
                    {
                        target.copy_(sum);
                    }
                });
            }

            /// <summary>Copies one rank's tensor to all.</summary>
            /// <param name="tensor">Values on <paramref name="src"/>; the result on the others.</param>
            /// <param name="src">The rank whose values they are.</param>
            /// <param name="async_op">Return at once; the result is there after <see cref="Work.Wait"/>.</param>
            public Work broadcast(Tensor tensor, int src = 0, bool async_op = false)
            {
                const string name = "broadcast";
                ArgumentOutOfRangeException.ThrowIfNegative(src);
                ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(src, Size);
                Require(name, tensor);
                using DisposeScope scope = NewDisposeScope();
                using IDisposable mode = no_grad();
                Tensor target = Kept(IsGloo ? Bytes(tensor) : tensor);
                return Start(name, Kind.Broadcast, [], [target], ReduceOp.SUM, src, async_op, [target], null);
            }

            /// <summary>Collects every rank's tensor, in the order of ranks.</summary>
            /// <param name="outputs">One for each rank.</param>
            /// <param name="tensor">Values of this rank.</param>
            /// <param name="async_op">Return at once; the result is there after <see cref="Work.Wait"/>.</param>
            public Work all_gather(Tensor[] outputs, Tensor tensor, bool async_op = false)
            {
                const string name = "all_gather";
                ArgumentNullException.ThrowIfNull(outputs);
                RequireOnePerRank(name, outputs);
                Require(name, tensor);
                foreach (Tensor output in outputs)
                {
                    Require(name, output);
                    RequireSame(name, output, tensor, 1);
                }

                using DisposeScope scope = NewDisposeScope();
                using IDisposable mode = no_grad();
                Tensor[] targets = Array.ConvertAll(outputs, t => Kept(IsGloo ? Bytes(t) : t));
                Tensor source = Kept(IsGloo ? Bytes(tensor) : tensor);
                return Start(name, Kind.AllGather, targets, [source], ReduceOp.SUM, 0, async_op, [.. targets, source], null);
            }

            /// <summary>Collects every rank's tensor [n, ...] into one [size * n, ...].</summary>
            /// <param name="output">The result.</param>
            /// <param name="tensor">Values of this rank.</param>
            /// <param name="async_op">Return at once; the result is there after <see cref="Work.Wait"/>.</param>
            public Work all_gather_into_tensor(Tensor output, Tensor tensor, bool async_op = false)
            {
                const string name = "all_gather_into_tensor";
                Require(name, output);
                Require(name, tensor);
                RequireSame(name, output, tensor, Size);
                using DisposeScope scope = NewDisposeScope();
                using IDisposable mode = no_grad();
                if (IsGloo)
                {
                    return all_gather(Slices(output), tensor.reshape(-1), async_op);
                }

                Tensor target = Kept(output);
                Tensor source = Kept(tensor);
                return Start(name, Kind.AllGatherInto, [target], [source], ReduceOp.SUM, 0, async_op, [target, source], null);
            }

            /// <summary>
            /// Reduces all ranks' tensors [size * n, ...] and gives each rank its part [n, ...]. Gloo has no such exchange: a
            /// copy is all-reduced there, and the part taken from it.
            /// </summary>
            /// <param name="output">This rank's part.</param>
            /// <param name="tensor">Values of this rank for all parts; not changed.</param>
            /// <param name="op">The reduction.</param>
            /// <param name="async_op">Return at once; the result is there after <see cref="Work.Wait"/>.</param>
            public Work reduce_scatter_tensor(Tensor output, Tensor tensor, ReduceOp op = ReduceOp.SUM, bool async_op = false)
            {
                const string name = "reduce_scatter_tensor";
                Require(name, output);
                Require(name, tensor);
                RequireSame(name, tensor, output, Size);
                RequireFloatingMean(name, tensor, op);
                using DisposeScope scope = NewDisposeScope();
                using IDisposable mode = no_grad();
                Tensor target = Kept(output);
                if (!IsGloo)
                {
                    Tensor source = Kept(tensor);
                    return Start(name, Kind.ReduceScatterTensor, [target], [source], op, 0, async_op, [target, source], null);
                }

                Tensor sum = Kept(tensor.dtype == bfloat16 ? tensor.to(float32) : tensor.clone());
                return Start(name, Kind.AllReduce, [], [sum], Summed(op), 0, async_op, [target, sum], () =>
                {
                    Tensor mine = Slices(sum)[Rank];
                    Mean(mine, op);
                    target.view(-1).copy_(mine);
                });
            }

            /// <summary>Like <see cref="reduce_scatter_tensor"/>, from one tensor for each rank.</summary>
            /// <param name="output">This rank's part.</param>
            /// <param name="tensors">Values of this rank, one tensor for each rank's part; not changed.</param>
            /// <param name="op">The reduction.</param>
            /// <param name="async_op">Return at once; the result is there after <see cref="Work.Wait"/>.</param>
            public Work reduce_scatter(Tensor output, Tensor[] tensors, ReduceOp op = ReduceOp.SUM, bool async_op = false)
            {
                ArgumentNullException.ThrowIfNull(tensors);
                RequireOnePerRank("reduce_scatter", tensors);
                foreach (Tensor t in tensors)
                {
                    Require("reduce_scatter", t);
                    RequireSame("reduce_scatter", t, output, 1);
                }

                using DisposeScope scope = NewDisposeScope();
                using IDisposable mode = no_grad();
                return reduce_scatter_tensor(output, cat(Array.ConvertAll(tensors, t => t.reshape(-1))), op, async_op);
            }

            /// <summary>Returns when every rank has come here (with NCCL: and its GPU has done what was asked before).</summary>
            public void barrier()
            {
                if (IsGloo)
                {
                    Start("barrier", Kind.Barrier, [], [], ReduceOp.SUM, 0, false, [], null);
                    return;
                }

                // NCCL's own barrier guesses the device from the rank.
                using DisposeScope scope = NewDisposeScope();
                Tensor one = ones([1], float32, Device);
                all_reduce(one);
                one.ToDouble();
            }

            private static ReduceOp Summed(ReduceOp op) => op == ReduceOp.AVG ? ReduceOp.SUM : op;

            private void Mean(Tensor sum, ReduceOp op)
            {
                if (op == ReduceOp.AVG)
                {
                    sum.div_(Size);
                }
            }

            // An alias that no scope owns and autograd does not see: a collective writes through it.
            private static Tensor Kept(Tensor t) => t.detach().DetachFromDisposeScope();

            // Gloo knows fewer element types than libtorch; to copy, bytes will do.
            private static Tensor Bytes(Tensor t) => s_viewAs.Call(t.detach().view(-1), ScalarType.Byte);

            private Tensor[] Slices(Tensor whole)
            {
                long n = whole.numel() / Size;
                Tensor flat = whole.detach().view(-1);
                return [.. Enumerable.Range(0, Size).Select(r => flat.narrow(0, r * n, n))];
            }

            private static void RequireFloatingMean(string operation, Tensor tensor, ReduceOp op)
            {
                if (op == ReduceOp.AVG && !tensor.dtype.IsFloatingPoint())
                {
                    throw new ArgumentException($"{operation}: a mean of {tensor.Describe()} is no whole number; use SUM");
                }
            }

            private void RequireOnePerRank(string operation, Tensor[] tensors)
            {
                if (tensors.Length != Size)
                {
                    throw new ArgumentException($"{operation}: {tensors.Length} tensors for {Size} ranks");
                }
            }
        }
    }
}
