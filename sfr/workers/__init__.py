"""The worker processes: the shared queue, a pool that accounts for every payload, and what a worker does with one."""
