"""Scenarios: settings, rules for faults, and the actions that rules name."""
