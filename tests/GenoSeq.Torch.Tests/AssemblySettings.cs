// Counters of tensors, the generators and the default thread counts belong to the process: tests run one at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
