"""Locks in a bucket, as Pulumi writes them there; in a folder: `test_stack.py`."""

import io
from pathlib import Path
from typing import Any, Final

import boto3.session
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from rollout.aws import AccountError, ImpatientSession
from rollout.status import locks

PREFIX: Final = ".pulumi/locks/organization/api/prod/"
LOCK: Final = b'{"pid": 7, "username": "u", "hostname": "h", "timestamp": "then"}'


class Session(ImpatientSession):
    """A session whose S3 answers what it is told to."""

    def __init__(self) -> None:
        session: Any = boto3.session.Session("test", "test")
        self.made: list[tuple[str, str | None, str | None]] = []
        self.s3 = session.client("s3", region_name="eu-west-1")
        self.stub = Stubber(self.s3)
        self.stub.activate()

    def client(self, service: str, region_name: str | None, profile: str | None = None) -> Any:
        self.made.append((service, region_name, profile))
        return self.s3


def told(url: str, session: ImpatientSession) -> list[str]:
    return locks.holders(url, "api", "prod", session)


@pytest.fixture
def session() -> Session:
    return Session()


def test_each_object_is_a_lock(session: Session) -> None:
    key = f"states/{PREFIX}1.json"
    listed = {"Bucket": "b", "Prefix": f"states/{PREFIX}"}
    session.stub.add_response("list_objects_v2", {"Contents": [{"Key": key}]}, listed)
    body = StreamingBody(io.BytesIO(LOCK), len(LOCK))
    session.stub.add_response("get_object", {"Body": body}, {"Bucket": "b", "Key": key})
    url = "s3://b/states/?region=eu-west-1&profile=ops&awssdk=v2"
    assert told(url, session) == ["by u@h, process 7, since then"]
    assert session.made == [("s3", "eu-west-1", "ops")]


def test_without_any_nobody_works_on_it(session: Session) -> None:
    session.stub.add_response("list_objects_v2", {}, {"Bucket": "b", "Prefix": PREFIX})
    assert told("s3://b", session) == []
    assert session.made == [("s3", None, None)]


def test_a_bucket_that_may_not_be_read_says_why(session: Session) -> None:
    session.stub.add_client_error("list_objects_v2", "AccessDenied", "not you")
    with pytest.raises(AccountError, match="not you"):
        told("s3://b", session)


def test_a_folder_s_path_may_have_spaces(tmp_path: Path, session: Session) -> None:
    folder = tmp_path / "my state"
    (folder / PREFIX).mkdir(parents=True)
    (folder / PREFIX / "1.json").write_bytes(LOCK)
    assert told(folder.as_uri(), session) == ["by u@h, process 7, since then"]
    assert session.made == []
