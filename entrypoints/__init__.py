"""Doors into the application, HTTP and the command line, wired by one container; no rules here."""
