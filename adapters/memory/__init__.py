"""Twins of the persistence ports in plain dictionaries, for tests of use cases in milliseconds."""
