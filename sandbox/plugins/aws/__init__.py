"""A stand-in for Pulumi's `aws` plugin, for the resource types and functions this project uses.

It checks, compares, previews and calls the same AWS APIs as the official plugin, through botocore.
What each resource does, and where it differs, is in its own docstring; what the provider's
configuration does is in `session`. Resource types and functions that are not here are refused by
name.

Where every resource differs from the official plugin: waits begin at a tenth of a second and slow
down to 15 seconds instead of starting at 30; eventual consistency that only AWS itself has (a
certificate that a distribution cannot see yet) is not retried.

Source of what the official plugin does: hashicorp/terraform-provider-aws, `internal/service`, which
pulumi/pulumi-aws wraps.
"""
