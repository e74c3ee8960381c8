"""The parts of `sfr init`: questions, checks of the answers, the Setup steps, and the files that it writes."""
