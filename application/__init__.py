"""What the service does, step by step: use cases and their ports; it imports the domain only."""
