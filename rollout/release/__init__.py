"""The weighted records of a stack become plain ones of the path that has everybody."""
