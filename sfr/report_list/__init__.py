"""The report list: rows from a CSV, YAML, the command line or Python become reports, or all that is wrong is told."""
