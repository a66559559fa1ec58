"""A stand-in for Pulumi's `random` plugin, for the one secret this project makes.

There is no cloud behind it: what it makes lives in the state of the stack alone. The SDK marks it
as secret (`additionalSecretOutputs`), so that the engine encrypts it there and hides it in what it
prints.

Source of what the official plugin does: hashicorp/terraform-provider-random, which
pulumi/pulumi-random wraps.
"""
