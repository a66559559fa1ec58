"""`dualstack status`: how things stand, told by every room that knows a part of it."""
