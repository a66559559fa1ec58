"""Requests: the catalogue of the echo, and the user's own from files."""
