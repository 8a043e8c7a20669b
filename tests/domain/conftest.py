"""How laws are judged: on the same examples in every run, and nothing of them is kept."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "house",
    derandomize=True,
    database=None,
    deadline=None,  # a busy machine is no broken law
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=25,
)
settings.load_profile("house")
