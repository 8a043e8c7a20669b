"""Technology that keeps the ports' promises and decides nothing, and never import one another."""
