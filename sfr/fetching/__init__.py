"""Fetching: what is asked for next, by which route and how often, and the threads that ask."""
