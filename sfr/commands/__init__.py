"""The commands of the program, one module each: each takes the arguments and returns an exit code."""
