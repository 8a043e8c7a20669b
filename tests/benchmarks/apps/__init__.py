"""What Basalt is compared with: each a program of its own, run by uvicorn."""
