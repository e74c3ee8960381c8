"""What holds for every test."""

from hypothesis import HealthCheck, settings

# A busy machine may take any time for one example: how long something takes is for benchmarks/ to say.
settings.register_profile("sfr", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sfr")
