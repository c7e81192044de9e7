"""Showing: what an artifact, a file or a stream is, for a person (tables) or a program (`--json`)."""
