"""The classic export of a report: CSV, footer, and exports cached in files."""
