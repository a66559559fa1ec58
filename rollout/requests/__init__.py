"""What is asked: the catalogue of the echo, and the user's own requests from files."""
