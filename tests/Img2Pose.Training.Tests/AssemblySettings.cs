// libtorch has one random generator and one number of threads for the whole process: tests that train would disturb one another.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
