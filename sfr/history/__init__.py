"""History: what earlier runs did, in a SQLite file."""
