"""Questions about the account and what DigitalOcean offers.

Where they differ from the official plugin: the lists take neither `filters` nor `sorts`; the ids of
answers that are no resource are the name or slug asked for instead of made up.

Source: digitalocean/terraform-provider-digitalocean, `datasource_*.go` of `account`, `image`,
`region`, `size`, `sshkey` and `vpc`.
"""

from collections.abc import Callable, Iterable

from sandbox.plugins.digitalocean.session import Session
from sandbox.plugins.digitalocean.vpc import state_of
from sandbox.plugins.resource import Function, PluginError
from sandbox.plugins.schema import ClassRef
from sandbox.plugins.values import Props

_SOURCES = {
    "all": {},
    "applications": {"type": "application"},
    "distributions": {"type": "distribution"},
    "user": {"private": True},
}


def _get_account(session: Session, args: Props) -> Props:
    """Return the account and its limits."""
    del args
    account = session.ask("account.get")["account"]
    return {
        "id": account["uuid"],
        "uuid": account["uuid"],
        "dropletLimit": account["droplet_limit"],
        "floatingIpLimit": account["floating_ip_limit"],
        "email": account["email"],
        "emailVerified": account["email_verified"],
        "status": account["status"],
        "statusMessage": account["status_message"],
    }


def _get_image(session: Session, args: Props) -> Props:
    """Return an image by id, by slug, or by its name among the account's own (`source`)."""
    given = [name for name in ("id", "name", "slug") if args.get(name)]
    if len(given) != 1:
        raise PluginError(
            f"{' and '.join(given) or 'nothing'} of id, name and slug is given; exactly one is "
            "needed. Give one."
        )
    if given == ["name"]:
        source = str(args.get("source") or "user").lower()
        if source not in _SOURCES:
            raise PluginError(
                f"source is {source!r}; one of {', '.join(_SOURCES)} is allowed. Set one."
            )
        found = session.everything("images.list", "images", **_SOURCES[source])
        image = _only(found, "name", args["name"], "image")
    else:
        body = session.find("images.get", args[given[0]])
        if body is None:
            raise PluginError(
                f"{given[0]} is {args[given[0]]!r}; there is no such image. "
                "`doctl compute image list --public` shows them."
            )
        image = body["image"]
    same = (
        "description",
        "distribution",
        "id",
        "name",
        "regions",
        "slug",
        "status",
        "tags",
        "type",
    )
    return {
        **{name: image[name] for name in same},
        "created": image["created_at"],
        "errorMessage": image["error_message"],
        "image": str(image["id"]),
        "minDiskSize": image["min_disk_size"],
        "private": not image["public"],
        "sizeGigabytes": image["size_gigabytes"],
        "source": args.get("source") or "user",
    }


def _get_region(session: Session, args: Props) -> Props:
    """Return a region by its slug."""
    found = session.everything("regions.list", "regions")
    region = _only(found, "slug", args.get("slug"), "region")
    return _region(region) | {"id": region["slug"]}


def _get_regions(session: Session, args: Props) -> Props:
    """Return all regions."""
    return _list(args, map(_region, session.everything("regions.list", "regions")), "regions")


def _get_sizes(session: Session, args: Props) -> Props:
    """Return all sizes."""

    def size(api: Props) -> Props:
        same = ("available", "disk", "memory", "regions", "slug", "transfer", "vcpus")
        prices = {"priceHourly": api["price_hourly"], "priceMonthly": api["price_monthly"]}
        return {name: api[name] for name in same} | prices

    return _list(args, map(size, session.everything("sizes.list", "sizes")), "sizes")


def _get_ssh_key(session: Session, args: Props) -> Props:
    """Return a key of the account by its name."""
    found = session.everything("ssh_keys.list", "ssh_keys")
    return _ssh_key(_only(found, "name", args.get("name"), "SSH key"))


def _get_ssh_keys(session: Session, args: Props) -> Props:
    """Return all keys of the account."""
    return _list(args, map(_ssh_key, session.everything("ssh_keys.list", "ssh_keys")), "sshKeys")


def _get_vpc(session: Session, args: Props) -> Props:
    """Return a VPC by id, the default one of a region, or one by name."""
    if args.get("id"):
        body = session.find("vpcs.get", args["id"])
        if body is None:
            raise PluginError(f"id is {args['id']!r}; there is no such VPC. Give another.")
        vpc = body["vpc"]
    else:
        vpcs = session.everything("vpcs.list", "vpcs")
        if args.get("region"):
            defaults = [vpc for vpc in vpcs if vpc["default"]]
            vpc = _only(defaults, "region", args["region"], "default VPC")
        else:
            vpc = _only(vpcs, "name", args.get("name"), "VPC")
    state = state_of(vpc)
    state["urn"] = state.pop("vpcUrn")
    return state | {"id": vpc["id"]}


def _region(api: Props) -> Props:
    return {name: api[name] for name in ("available", "features", "name", "sizes", "slug")}


def _ssh_key(api: Props) -> Props:
    return {
        "id": api["id"],
        "name": api["name"],
        "fingerprint": api["fingerprint"],
        "publicKey": api["public_key"],
    }


def _list(args: Props, found: Iterable[Props], name: str) -> Props:
    for given in ("filters", "sorts"):
        if args.get(given):
            raise PluginError(
                f"{given} is given; the stand-in for the digitalocean plugin lists everything as "
                "it is. Filter and sort in the program."
            )
    return {"id": name, name: list(found)}


def _only(found: Iterable[Props], key: str, value: object, what: str) -> Props:
    """Return the one of which a field has a value."""
    all_found = list(found)
    fitting = [item for item in all_found if item[key] == value]
    if len(fitting) == 1:
        return fitting[0]
    number = "no" if not fitting else str(len(fitting))
    known = ", ".join(sorted({str(item[key]) for item in all_found})) or "none"
    raise PluginError(
        f"{key} is {value!r}; it is that of {number} {what}, and of exactly one it must be. "
        f"There are: {known}."
    )


def functions() -> list[Function[Session]]:
    """Return the functions."""
    asks: list[tuple[str, str, Callable[[Session, Props], Props]]] = [
        ("get_account", "getAccount", _get_account),
        ("get_image", "getImage", _get_image),
        ("get_region", "getRegion", _get_region),
        ("get_regions", "getRegions", _get_regions),
        ("get_sizes", "getSizes", _get_sizes),
        ("get_ssh_key", "getSshKey", _get_ssh_key),
        ("get_ssh_keys", "getSshKeys", _get_ssh_keys),
        ("get_vpc", "getVpc", _get_vpc),
    ]
    return [
        Function(
            f"digitalocean:index/{name}:{name}",
            ClassRef(f"pulumi_digitalocean.{module}", module),
            ClassRef(f"pulumi_digitalocean.{module}", f"{name[0].upper()}{name[1:]}Result"),
            ask,
        )
        for module, name, ask in asks
    ]
