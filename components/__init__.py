"""What is deployed: Pulumi component resources, and the settings they take."""
