"""Measures SFR against curl and requests on one machine; `scripts/bench` runs it, docs/benchmarks/ explains it.

SFR is driven as a user drives it, by its command line and a configuration; only
`fleet_simulation`, which measures no time, imports it.
"""
