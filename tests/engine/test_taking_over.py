"""A name that has users gets an edge as docs/operating.md says, without a gap in its answers."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from support.engine import weights, zone_records

if TYPE_CHECKING:
    from types_boto3_route53 import Route53Client

    from support.engine import Stack

GUIDE: Final = Path(__file__).resolve().parents[2] / "docs" / "operating.md"
NAME: Final = "api.example.com"


def files(**names: str) -> list[dict[str, Any]]:
    """Return the guide's batch and the file to import, with names instead of its placeholders."""
    text = GUIDE.read_text()
    for placeholder, name in names.items():
        text = text.replace(placeholder.replace("_", "-"), name)
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]


def test_a_record_with_users_is_exchanged_imported_and_leads_where_it_led(
    stack: "Stack", route53: "Route53Client"
) -> None:
    zone = route53.list_hosted_zones_by_name(DNSName="example.com")["HostedZones"][0]["Id"]
    www: Any = next(record for record in zone_records(route53) if record["Name"].startswith("www"))
    target: dict[str, Any] = {**www["AliasTarget"], "EvaluateTargetHealth": False}
    batch, imported = files(
        LOAD_BALANCER=target["DNSName"], ITS_ZONE=target["HostedZoneId"], ZONE=Path(zone).name
    )
    simple = {**www, "Name": f"{NAME}.", "AliasTarget": target}
    before: Any = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": simple}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=before)
    stack.configure(hostnames=[NAME])

    taken_over: Any = batch
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=taken_over)
    (stack.folder / "import.json").write_text(json.dumps(imported))
    stack.pulumi(
        *("import", "--file", "import.json", "--protect=false", "--generate-code=false"),
        *("--yes", "--skip-preview"),
    ).must()
    printed = stack.up().must()
    assert not re.search(r"Record \S+-direct (creat|delet|replac)", printed), printed
    assert weights(route53) == {
        (NAME, family, path): weight
        for family in ("A", "AAAA")
        for path, weight in (("direct", 100), ("cdn", 0))
    }
    leads = {
        record["AliasTarget"]["DNSName"]
        for record in zone_records(route53)
        if record["Name"] == f"{NAME}." and record.get("SetIdentifier") == "direct"
        if "AliasTarget" in record
    }
    assert leads == {target["DNSName"]}
