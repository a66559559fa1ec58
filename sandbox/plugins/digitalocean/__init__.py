"""A stand-in for Pulumi's `digitalocean` plugin, for what a pool of proxies is made of.

It checks, compares, previews and calls the same DigitalOcean API as the official plugin, through
pydo. What each resource does, and where it differs, is in its own docstring; what the provider's
configuration does is in `session`. Resource types and functions that are not here are refused by
name.

Where every resource differs from the official plugin: waits begin at a tenth of a second and slow
down to 15 seconds instead of starting at 10; a resource that was just made and is not found is not
waited for; what was made stays in the state even where the official plugin would forget it.

Source of what the official plugin does: digitalocean/terraform-provider-digitalocean, which
pulumi/pulumi-digitalocean wraps.
"""
