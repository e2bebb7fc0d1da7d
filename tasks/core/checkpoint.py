"""Checkpoints of the log: C2SP tlog-checkpoint in a C2SP signed note, signed with Ed25519.

The body is origin, size, root, and one extension line `time <seconds since 1970>`. Signature lines of others, such as
witnesses, may follow; one by the log's own key must.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardline.tasks.core.envelope import decode_base64
from hardline.tasks.core.errors import Malformed, SignatureInvalid
from hardline.tasks.core.keys import ED25519, PublicKey
from hardline.tasks.core.keys import sign as sign_bytes

if TYPE_CHECKING:
    from securesystemslib.signer import Signer

_ALGORITHM = b"\x01"  # Ed25519, in C2SP signed-note
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]{1,128}")
_ORIGIN = re.compile(r"[^\x00-\x1f\x7f]{1,256}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}")
_TIME = re.compile(r"time (0|[1-9][0-9]{0,11})")
_LINE = re.compile(r"\u2014 ([^\s+]{1,128}) ([A-Za-z0-9+/=]{1,8192})")
_MAX_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of the log at one moment."""

    origin: str
    size: int
    root: bytes
    time: int  # seconds since 1970, UTC, by the keeper's clock

    def body(self) -> bytes:
        """The text that is signed."""
        root = base64.b64encode(self.root).decode()
        return f"{self.origin}\n{self.size}\n{root}\ntime {self.time}\n".encode()


def sign(checkpoint: Checkpoint, name: str, signer: Signer) -> bytes:
    """The signed note.

    Raises:
        ValueError: A note that no reader would accept, or a key that is not Ed25519: a bug of the caller.
    """
    key, body = PublicKey.of(signer), checkpoint.body()
    if not _NAME.fullmatch(name) or key.scheme != ED25519:
        raise ValueError("a note needs a name without spaces and plus signs, and an Ed25519 key")
    try:
        _parse_body(body.decode(), checkpoint.origin)
    except Malformed as error:
        raise ValueError(f"a checkpoint that no reader would accept: {error}") from error
    blob = key_id(name, key) + sign_bytes(signer, body)
    return body + f"\n\u2014 {name} {base64.b64encode(blob).decode()}\n".encode()


def verify(data: bytes, name: str, key: PublicKey, *, origin: str) -> Checkpoint:
    """The checkpoint, when the log's key signed it.

    Args:
        data: The signed note.
        name: The key's name in the note.
        key: The log's Ed25519 key.
        origin: The only log that is meant.

    Raises:
        Malformed: It is no checkpoint in its one form.
        SignatureInvalid: There is no signature of the log's key, or one that does not hold.
    """
    subject = "checkpoint"
    try:
        text = data[:_MAX_BYTES].decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed(f"{subject}: a signed note expected, got something else") from None
    body, separator, signatures = text.rpartition("\n\n")
    if len(data) > _MAX_BYTES or not separator or not signatures.endswith("\n"):
        raise Malformed(f"{subject}: a signed note expected, got something else")
    body += "\n"
    parsed = _parse_body(body, origin)
    wanted, held = key_id(name, key), False
    for line in signatures[:-1].split("\n"):
        match = _LINE.fullmatch(line)
        if match is None:
            raise Malformed(f"{subject}: signature lines only expected after the empty line")
        blob = decode_base64(match[2], subject=f"{subject}: signature")
        if match[1] == name and blob[:4] == wanted:
            key.verify(blob[4:], body.encode())
            held = True
    if not held:
        raise SignatureInvalid(f"{subject}: a signature by the log's key expected, got none")
    return parsed


def key_id(name: str, key: PublicKey) -> bytes:
    """The four bytes that name an Ed25519 key in a note: the head of SHA-256(name, newline, algorithm, public key)."""
    return hashlib.sha256(name.encode() + b"\n" + _ALGORITHM + key.raw()).digest()[:4]


def verifier_key(name: str, key: PublicKey) -> str:
    """The text form of the log's key that other tools read (C2SP signed-note, "Verifier keys")."""
    return f"{name}+{key_id(name, key).hex()}+{base64.b64encode(_ALGORITHM + key.raw()).decode()}"


def _parse_body(body: str, origin: str) -> Checkpoint:
    lines = body.split("\n")
    if len(lines) != 5 or lines[4]:
        raise Malformed("checkpoint: origin, size, root and time expected, each on its line")
    time = _TIME.fullmatch(lines[3])
    if not _ORIGIN.fullmatch(origin) or lines[0] != origin or not _NUMBER.fullmatch(lines[1]) or time is None:
        raise Malformed(f"checkpoint: origin {origin}, a size and a time expected")
    root = decode_base64(lines[2], subject="checkpoint: root")
    if len(root) != 32:
        raise Malformed("checkpoint: a root of 32 bytes expected")
    return Checkpoint(origin, int(lines[1]), root, int(time[1]))
