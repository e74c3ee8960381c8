"""The org's objects and reports, generated from a seed."""
