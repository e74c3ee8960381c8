"""The report list: validates rows from CSV, YAML, the command line or Python and turns them into reports."""
