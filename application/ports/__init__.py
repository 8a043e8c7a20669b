"""All that the use cases need of the world: each method's docstring is a promise to keep."""
