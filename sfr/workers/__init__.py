"""The worker processes: the shared queue, a pool that answers for every payload, and what a worker does with one."""
