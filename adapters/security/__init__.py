"""Cryptography behind the ports: tokens, hashes, sealed keys; it has never heard of tables."""
