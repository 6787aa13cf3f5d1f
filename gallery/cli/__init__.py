"""The command line: each module adds its own part to ``python -m gallery``."""
