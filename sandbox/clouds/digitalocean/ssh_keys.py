"""SSH keys of the account."""

import base64
import binascii
import hashlib

from sandbox.clouds.digitalocean.routes import (
    NO_CONTENT,
    ApiAnswer,
    ApiCall,
    Body,
    Table,
    created,
    ok,
)
from sandbox.clouds.digitalocean.state import Json, LocalAccount, LocalSshKey
from sandbox.clouds.digitalocean.wire import ASSUMED, NOT_FOUND, Reason

ROUTES = Table()

KEY_FIELDS = 2
"""The kind and the key itself; a comment may follow. Source: sshd(8), 'AUTHORIZED_KEYS'."""

INVALID_KEY = Reason(
    "the key is not of the form of an OpenSSH public key",
    "Key invalid, key should be of the format `ssh-algorithm base64-blob comment`.",
    ASSUMED,
)
KEY_IN_USE = Reason(
    "the account has the same key already",
    "SSH Key is already in use on your account",
    "report: digitalocean/ansible-collection#102",
)
NO_KEY_NAME = Reason("the name is empty", "Name can't be blank", ASSUMED)


class NewKey(Body):
    """A key to add."""

    name: str
    public_key: str


class KeyName(Body):
    """A new name."""

    name: str


@ROUTES.add(
    "POST /v2/account/keys",
    "sshKeys_create",
    "ssh_key:create",
    refuses=[INVALID_KEY, KEY_IN_USE, NO_KEY_NAME],
)
def create_key(call: ApiCall) -> ApiAnswer:
    """Adds a key; its fingerprint is the MD5 of the key."""
    body = call.body(NewKey)
    if not body.name.strip():
        raise NO_KEY_NAME.refusal()
    mark = fingerprint(body.public_key)
    if any(key.fingerprint == mark for key in call.account.keys.values()):
        raise KEY_IN_USE.refusal()
    key = LocalSshKey(call.account.new_id(), body.name, body.public_key, mark)
    call.account.keys[key.id] = key
    return created(ssh_key=view(key))


@ROUTES.add("GET /v2/account/keys/<identifier>", "sshKeys_get", "ssh_key:read")
def get_key(call: ApiCall) -> ApiAnswer:
    """Shows a key by id or fingerprint."""
    return ok(ssh_key=view(_named(call)))


@ROUTES.add(
    "PUT /v2/account/keys/<identifier>",
    "sshKeys_update",
    "ssh_key:update",
    refuses=[NO_KEY_NAME],
)
def update_key(call: ApiCall) -> ApiAnswer:
    """Renames a key."""
    key, name = _named(call), call.body(KeyName).name
    if not name.strip():
        raise NO_KEY_NAME.refusal()
    key.name = name
    return ok(ssh_key=view(key))


@ROUTES.add("DELETE /v2/account/keys/<identifier>", "sshKeys_delete", "ssh_key:delete")
def delete_key(call: ApiCall) -> ApiAnswer:
    """Removes a key from the account; Droplets that have it keep it."""
    del call.account.keys[_named(call).id]
    return NO_CONTENT


def find(account: LocalAccount, identifier: int | str) -> LocalSshKey | None:
    """Return the key with an id or a fingerprint."""
    for key in account.keys.values():
        if str(identifier) in {str(key.id), key.fingerprint}:
            return key
    return None


def fingerprint(public_key: str) -> str:
    """Return the MD5 of a public key, in pairs.

    Raises:
        RefusalError: it is not a public key.
    """
    fields = public_key.split(maxsplit=KEY_FIELDS)
    if len(fields) < KEY_FIELDS:
        raise INVALID_KEY.refusal()
    kind, text = fields[:KEY_FIELDS]
    try:
        blob = base64.b64decode(text, validate=True)
    except binascii.Error as fault:
        raise INVALID_KEY.refusal() from fault
    # The key itself begins with its kind. Source: RFC 4253, section 6.6.
    if not blob[4:].startswith(kind.encode()):
        raise INVALID_KEY.refusal()
    return hashlib.md5(blob, usedforsecurity=False).digest().hex(":")


def view(key: LocalSshKey) -> Json:
    """Return a key as the API shows it."""
    return {
        "id": key.id,
        "fingerprint": key.fingerprint,
        "public_key": key.public_key,
        "name": key.name,
    }


def _named(call: ApiCall) -> LocalSshKey:
    key = find(call.account, call.path_values["identifier"])
    if key is None:
        raise NOT_FOUND.refusal()
    return key
