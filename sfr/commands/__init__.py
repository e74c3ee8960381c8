"""What the program can be asked to do, one module each: each takes the arguments and returns an exit code."""
