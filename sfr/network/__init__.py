"""The network: one request and its answer, within limits of time, and what foreign failures mean."""
