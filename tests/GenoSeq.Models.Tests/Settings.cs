// Tests count live tensors and seed the one default generator, so they run one after another; kernels use the cores.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
