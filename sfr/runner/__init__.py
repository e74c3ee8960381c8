"""One run, from its plan to its exit code; `pipeline.py` defines the order of its steps."""
