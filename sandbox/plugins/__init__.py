"""Stand-ins for the cloud plugins of the Pulumi engine.

A plugin is an executable `pulumi-resource-<package>` that speaks the engine's `ResourceProvider`
protocol over gRPC. Where the official ones are not installed, these take their place and make the
same API calls through the cloud's own Python client.

What every plugin does lives here and knows no cloud: the values on the wire (`values`), the
shape of a resource as its SDK declares it (`schema`), the checks of its inputs (`check`), the
comparison of state and program (`diff`), what a package has to say about its resources
(`resource`) and the protocol itself (`server`). A package, such as `aws`, adds its resources.
"""
