"""Files and directories of a run: received, written whole or not at all, locked, swept, removed when they are old."""
