"""Access to the local disk: atomic writes, spool files, the run directory, disk space, retention."""
