"""The configuration: `settings` declares it, `load` reads it. Importing this package imports neither."""
