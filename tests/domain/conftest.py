"""How laws are judged: on the same examples in every run, and nothing of them is kept."""

from hypothesis import settings

settings.register_profile("house", derandomize=True, database=None, deadline=None, max_examples=40)
settings.load_profile("house")
