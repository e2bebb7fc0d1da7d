"""The attacker's scene, and all that is done in it."""

from __future__ import annotations

import random

import pytest
from mutations import FAMILIES, MAKERS, Mutation, Scene


@pytest.fixture(scope="session")
def scene(published) -> Scene:
    return Scene(published)


@pytest.fixture(scope="session")
def mutations(scene) -> dict[str, list[Mutation]]:
    return {family: MAKERS[family](scene, random.Random(family)) for family in FAMILIES}
