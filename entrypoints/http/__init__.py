"""The REST door: a router knows one family of URLs and its shapes, an endpoint one use case."""
