"""Who and where the provider is.

Source: hashicorp/terraform-provider-aws, `internal/service/meta/region_data_source.go` and
`internal/service/sts/caller_identity_data_source.go`.
"""

from sandbox.plugins.aws.session import Session
from sandbox.plugins.resource import Function, PluginError
from sandbox.plugins.schema import ClassRef
from sandbox.plugins.values import Props


def _get_region(session: Session, args: Props) -> Props:
    """Return the provider's region, or another by its name; `endpoint` asks for none other.

    Where it differs: `description` is empty.
    """
    region = args.get("region") or args.get("name") or session.region
    endpoint = f"ec2.{region}.amazonaws.com"
    if args.get("endpoint") not in (None, endpoint):
        raise PluginError(
            f"endpoint is {args['endpoint']!r}; the stand-in looks regions up by name. Give that."
        )
    return {
        "id": region,
        "name": region,
        "region": region,
        "endpoint": endpoint,
        "description": "",
    }


def _get_caller_identity(session: Session, args: Props) -> Props:
    """Return whose credentials are used."""
    del args
    identity = session.identity
    return {
        "id": identity["Account"],
        "accountId": identity["Account"],
        "arn": identity["Arn"],
        "userId": identity["UserId"],
    }


def functions() -> list[Function[Session]]:
    """Return the functions that belong to no service."""
    region, identity = "pulumi_aws.get_region", "pulumi_aws.get_caller_identity"
    return [
        Function(
            "aws:index/getRegion:getRegion",
            ClassRef(region, "get_region"),
            ClassRef(region, "GetRegionResult"),
            _get_region,
        ),
        Function(
            "aws:index/getCallerIdentity:getCallerIdentity",
            ClassRef(identity, "get_caller_identity"),
            ClassRef(identity, "GetCallerIdentityResult"),
            _get_caller_identity,
        ),
    ]
