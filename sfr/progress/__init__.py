"""The progress of a run: what has been done, and an estimate of the remaining time."""
