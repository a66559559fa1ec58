"""What serves the hostnames today becomes the weighted records of a stack, without a gap."""
