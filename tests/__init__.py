"""Every room has its tests, and a test imports what its room may."""
