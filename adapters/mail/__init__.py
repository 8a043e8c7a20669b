"""Mail: what it says, and the ways by which it leaves the house."""
