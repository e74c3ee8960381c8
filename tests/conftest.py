"""What holds for every test."""

from hypothesis import settings

# A busy machine may take any time for one example: how long something takes is for benchmarks/ to say.
settings.register_profile("sfr", deadline=None)
settings.load_profile("sfr")
