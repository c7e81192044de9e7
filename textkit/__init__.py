"""textkit: Unix filters for natural language processing."""

__version__ = "0.1.0"
