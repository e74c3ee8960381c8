"""The classic export of a report: CSV, footer, and exports saved as files."""
