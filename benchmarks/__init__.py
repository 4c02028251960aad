"""How fast the program is beside a plain twin of itself: `python -m benchmarks` (see README.md here)."""
