"""A received body becomes a proved report file on the local disk."""
