"""Simulates fleets on many machines; `python -m benchmarks.fleet_simulation` runs it, docs/benchmarks/ explains it.

The order of orgs and their attempts are the product's own: `FleetRun` runs on an engine whose clock is simulated.
"""
