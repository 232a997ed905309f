// Each test runs the program, which uses every core; one at a time keeps them from starving one another.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
