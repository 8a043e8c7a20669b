"""External identity providers: asked within bounds, and believed only after every check."""
