"""The local disk: atomic files, spool files, the run directory, disk space, retention."""
