"""The checks of `sfr doctor`: one module for each subject, and the registry that puts them in order."""
