"""AWS on this machine: moto's server behind a layer that refuses what AWS refuses.

Where it differs from AWS: everything moto does not model, everything listed under "not modelled"
in `docs/aws-model.md`; credentials and signatures are not checked; one account exists.
"""

import os
from typing import Final

ACCOUNT: Final = "123456789012"
"""The only account; moto's default."""

REGION: Final = "us-east-1"
"""Where the seeded load balancers live, and where CloudFront looks for certificates."""


def client_environment(url: str) -> dict[str, str]:
    """Return the environment variables that point every AWS client at the sandbox.

    boto3, the aws CLI and the cloud plugins read the same ones. The user's own configuration
    files are hidden, so that neither a profile nor an endpoint of a real account can slip in,
    and loopback is excepted from a proxy.

    Args:
        url: where the cloud listens, as `Cloud.url` says.

    Source: AWS SDKs and Tools Reference Guide, 'Service-specific endpoints' and 'Environment
    variables support'.
    """
    exempt = os.environ.get("NO_PROXY", "")
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": f"{exempt},127.0.0.1" if exempt else "127.0.0.1",
    }
