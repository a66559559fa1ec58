"""Live traffic led back to the old path."""
