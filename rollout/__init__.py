"""How traffic moves: the `dualstack` command and its verbs."""
