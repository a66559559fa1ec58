"""What may be deployed: rules, and the packs that carry them.

`rules/` holds one rule per file, pure functions of a resource's properties. `model` is what they
are written in, `cloudfront` what several of them know about CloudFront, `adapter` the only code
that touches the Pulumi policy SDK, `catalogue` the page of documentation made from the rules.
"""
