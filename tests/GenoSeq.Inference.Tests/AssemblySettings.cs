// The default generator is one for the process: models that classes draw at once would depend on which comes first.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
