"""The Analytics API: reports described, run and sliced, at once or as instances."""
