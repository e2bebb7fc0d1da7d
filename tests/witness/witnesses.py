"""Other people's verifiers, each called as its own command in its own environment; nothing of Hardline is imported.

`witness_export` is what an outsider does with a folder that `hardline export` wrote.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import setup as environments  # tests/witness/setup.py

TIMEOUT = 120  # seconds; the slowest command takes three on an idle core


class Refused(Exception):
    """A foreign verifier said no; the text is its own."""


def in_toto_verify(layout: Path, owner: Path, links: Path) -> None:
    """Run in-toto-verify over a layout and its links; raises `Refused`."""
    command = _program("in-toto", "bin/in-toto-verify")
    _call(command, "--layout", layout, "--verification-keys", owner, "--link-dir", links, "--verbose")


def model_signing_verify(payload: Path, bundle: Path, key: Path) -> None:
    """Run `model_signing verify key` over every file of a folder; raises `Refused`.

    Without --no-ignore-git-paths it skips .git and .gitignore, signed or not.
    """
    command = _program("model-signing", "bin/model_signing")
    signature = ("--signature", bundle, "--public_key", key, "--no-ignore-git-paths")
    _call(command, "verify", "key", payload, *signature)


def hpke_js(**request: str | bytes) -> bytes:
    """Wrap or unwrap once with hpke-js; see hpke-js/hpke.cjs for the requests; raises `Refused`."""
    modules = _program("hpke-js", "node_modules").parent
    encoded = {name: base64.b64encode(v).decode() if isinstance(v, bytes) else v for name, v in request.items()}
    script = Path(__file__).parent / "hpke-js" / "hpke.cjs"
    answer: dict[str, str] = json.loads(_call("node", script, modules, input_=json.dumps(encoded)))
    (value,) = answer.values()
    return base64.b64decode(value)


def witness_export(folder: Path) -> None:
    """Verify an exported dataset or model with foreign tools only.

    in-toto-verify checks the chain of custody and never looks at bytes; model_signing checks the bytes and knows no
    chain. What joins them is one digest: of payload/manifest.json (dataset) or payload/model.json (model).

    Args:
        folder: As `hardline export` writes it: payload/, payload.sigstore.json, in-toto/root.layout and *.link,
            keys/owner.pub, and keys/publisher.pub (dataset) or keys/releaser.pub (model).

    Raises:
        Refused: One of them refuses, or they speak of different things.
    """
    kind = "model" if (folder / "payload" / "model.json").exists() else "dataset"
    signer, step, document = {
        "dataset": ("publisher", "encrypt", "manifest.json"),
        "model": ("releaser", "release", "model.json"),
    }[kind]
    keys = folder / "keys"
    in_toto_verify(folder / "in-toto" / "root.layout", keys / "owner.pub", folder / "in-toto")
    model_signing_verify(folder / "payload", folder / "payload.sigstore.json", keys / f"{signer}.pub")
    _refuse_another(folder, step, document, folder / "payload" / document)
    if kind == "dataset":
        _refuse_another(folder, "sign", "payload.sigstore.json", folder / "payload.sigstore.json")


def _refuse_another(folder: Path, step: str, artifact: str, file: Path) -> None:
    """Each of a step's links must name the file that lies in the folder."""
    links = sorted((folder / "in-toto").glob(f"{step}.*.link"))
    stated = {_product(link, artifact) for link in links}
    if stated != {hashlib.sha256(file.read_bytes()).hexdigest()}:
        raise Refused(f"{file.name}: the product of step {step} expected, got another")


def _product(link: Path, artifact: str) -> str | None:
    payload: dict[str, Any] = json.loads(base64.b64decode(json.loads(link.read_bytes())["payload"]))
    digest: str | None = payload["products"].get(artifact, {}).get("sha256")
    return digest


def _program(environment: str, path: str) -> Path:
    program = environments.ENVIRONMENTS / environment / path
    if not environments.current(environment) or not program.exists():
        raise RuntimeError(f"the witness {environment} is missing or out of date: run `make setup-witness`")
    return program


def _call(*command: str | Path, input_: str | None = None) -> str:
    with tempfile.TemporaryDirectory() as nowhere:  # none of them may find, or leave, anything in our folders
        done = subprocess.run(
            [str(part.absolute()) if isinstance(part, Path) else part for part in command],
            input=input_,
            cwd=nowhere,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": nowhere, "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    if done.returncode:
        raise Refused(f"{done.stdout}\n{done.stderr}".strip())
    return done.stdout
