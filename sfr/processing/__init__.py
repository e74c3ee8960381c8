"""Turns a received body into a report file on the local disk, after proving that it is complete."""
