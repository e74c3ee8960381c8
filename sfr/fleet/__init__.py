"""Runs one SFR per org, each as a process of its own, and sums up how they ended: `sfr fleet`.

The plan (orgs, order, attempts, summary) knows nothing of processes; an engine (`engines.py`) starts them.
"""
