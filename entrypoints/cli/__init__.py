"""The operator's door: the same use cases as HTTP, from a terminal, without loading the web."""
