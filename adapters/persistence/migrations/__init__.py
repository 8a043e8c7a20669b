"""The history of the tables: each step upgrades a database that has data in it."""
