"""One run, from its plan to its exit code. `pipeline.py` is the one module that knows the order of things."""
