"""The vectors of custody and trust through their readers, and made again."""

from __future__ import annotations

from datetime import datetime

import make_custody_vectors
import pytest
from format_samples import load

from hardline.tasks.core import custody, errors, layouts, trust
from hardline.tasks.core.keys import PublicKey

EXPECTED = {
    "malformed": errors.Malformed,
    "signature invalid": errors.SignatureInvalid,
    "trust refused": errors.TrustRefused,
    "stale": errors.Stale,
}


def cases(name):
    document = load(name)
    return [pytest.param({**document["defaults"], **item}, id=item["name"]) for item in document["cases"]]


def keys_of(values):
    return [PublicKey.from_json(value, subject="key") for value in values]


def expecting(item, read):
    if item["expect"] == "success":
        return read()
    with pytest.raises(EXPECTED[item["expect"]]) as caught:
        read()
    assert type(caught.value) is EXPECTED[item["expect"]]
    return None


@pytest.mark.parametrize("item", cases("trust-document.json"))
def test_trust_documents(item):
    anchor = keys_of(item["keys"]) if "keys" in item else trust.TrustDocument.decode(item["seen"].encode())
    now = datetime.fromisoformat(item["now"])
    expecting(item, lambda: trust.verify_trust(item["document"].encode(), anchor=anchor, now=now))


@pytest.mark.parametrize("item", cases("links-and-layouts.json"))
def test_chains_of_custody(item):
    usual = load("links-and-layouts.json")["defaults"]["links"]
    links = {name: data.encode() for name, data in {**usual, **item["links"]}.items() if data is not None}
    verified = expecting(
        item,
        lambda: custody.verify_chain(
            item["layout"].encode(),
            keys_of(item["owners"]),
            item["threshold"],
            links,
            functionaries={step: keys_of(keys) for step, keys in item["functionaries"].items()},
            when=datetime.fromisoformat(item["when"]),
        ),
    )
    assert verified is None or tuple(verified) in layouts.KINDS.values()


@pytest.mark.parametrize("name", make_custody_vectors.MADE)
def test_the_vectors_are_what_their_maker_makes(name):
    assert make_custody_vectors.MADE[name]() == load(name)
