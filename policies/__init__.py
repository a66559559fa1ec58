"""What may be deployed: rules, and the packs that carry them.

`rules/` holds one rule per file, pure functions of a resource's properties. `model` is what they
are written in; `cloudfront`, `forwarding`, `records`, `digitalocean` and `tls` what several of them
share; `settings` what a user sets; `verdict` what the rules say of a resource; `wire`,
`announcement` and `server` the only code that speaks with the engine; `catalogue` the page of
documentation made from the rules, `bundle` the folders that others use.
"""
