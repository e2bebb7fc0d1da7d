"""Recipes: everything that decides how a net is trained, besides the data.

A recipe is a frozen value with one canonical form; its digest stands in the statement of training. Torch is not needed
to read or to make one.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from hardline.tasks.core import canonical
from hardline.tasks.core.errors import UsageError

FORMAT = "hardline/recipe/v1"
# Bounds keep a recipe from outside from asking for more than a machine has.
Share = Annotated[Decimal, Field(ge=0, le=1, max_digits=12)]
Factor = Annotated[Decimal, Field(ge=0, le=10, max_digits=12)]
Width = Annotated[int, Field(ge=1, le=4096, strict=True)]


class Recipe(BaseModel):
    """How to train; every field has one value, and none defaults to "decide later".

    Attributes:
        method: `n-fgsm` (one noisy step; de Jorge et al. 2022) or `pgd` (Madry et al. 2018).
        epsilon_factor: Training radius over the contract's radius.
        warmup: Share of the steps over which the radius grows from 0; without it nets collapse to one class.
        noise: Radius of N-FGSM's noise over epsilon (k in the paper).
        pgd_steps: Steps of PGD, in training with `pgd` and in the watchdog.
        watchdog_gap: Share of watched rows by which PGD may beat one step before training reacts.
        watchdog_rows: Number of training rows that the watchdog looks at.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_max_length=200)

    preset: Literal["fast", "balanced", "strong"] = "balanced"
    method: Literal["n-fgsm", "pgd"] = "n-fgsm"
    epochs: int = Field(150, ge=1, le=5000)
    batch: int = Field(64, ge=1, le=65536)
    learning_rate: Decimal = Field(Decimal("0.003"), gt=0, le=1, max_digits=12)
    weight_decay: Share = Decimal("0.0001")
    hidden: tuple[Width, ...] = Field((64, 32), min_length=1, max_length=8)
    epsilon_factor: Factor = Decimal(1)
    warmup: Share = Decimal("0.3")
    noise: Factor = Decimal(2)
    pgd_steps: int = Field(10, ge=1, le=200)
    watchdog_gap: Share = Decimal("0.15")
    watchdog_rows: int = Field(256, ge=1, le=65536)
    seed: int = Field(0, ge=0, lt=2**31)

    @field_validator("hidden", mode="before")
    @classmethod
    def _widths(cls, value: object) -> object:
        """`64-32` is how a form or a command line writes the widths."""
        if isinstance(value, str):
            return tuple(int(part) if part.isascii() and part.isdigit() else part for part in value.split("-"))
        return value

    @classmethod
    def named(cls, preset: str, *, seed: int = 0, options: Mapping[str, Any] | None = None) -> Self:
        """A shipped recipe, perhaps with single settings changed.

        Args:
            preset: `fast`, `balanced` or `strong`.
            seed: Of every random draw in training.
            options: Fields of the recipe by name; numbers may be written as text.

        Raises:
            UsageError: No such recipe, no such setting, or a value out of bounds.
        """
        if preset not in PRESETS:
            raise UsageError(f"recipe {preset[:40]!r}: one of {', '.join(PRESETS)} expected")
        taken = {"preset", "seed"} & set(options or {})
        if taken:
            raise UsageError(f"recipe {preset}: {', '.join(sorted(taken))} cannot be an option", help="name it beside the options")
        return cls._parse({**PRESETS[preset], **(options or {}), "preset": preset, "seed": seed})

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read `to_json`'s form; every field must be there.

        Raises:
            UsageError: It has another form.
        """
        if not isinstance(value, Mapping) or value.get("format") != FORMAT:
            raise UsageError(f"recipe: format {FORMAT} expected, got something else")
        given = {name: item for name, item in value.items() if name != "format"}
        if given.keys() != cls.model_fields.keys():
            raise UsageError(f"recipe: the fields {', '.join(sorted(cls.model_fields))} expected, got others")
        return cls._parse(given)

    def to_json(self) -> dict[str, Any]:
        """The canonical value: fractions are decimal strings, so there are no floats."""
        fields = {name: _plain(getattr(self, name)) for name in type(self).model_fields}
        return {"format": FORMAT, **fields}

    def canonical(self) -> bytes:
        """The canonical bytes."""
        return canonical.encode(self.to_json())

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical bytes."""
        return canonical.digest(self.canonical())

    @classmethod
    def _parse(cls, value: Mapping[str, Any]) -> Self:
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            known = "" if first["type"] != "extra_forbidden" else f"; settings are {', '.join(sorted(cls.model_fields))}"
            raise UsageError(f"recipe: {field[:80]}: {first['msg']}{known}") from None


PRESETS: Mapping[str, Mapping[str, Any]] = {
    "fast": {"epochs": 60},
    "balanced": {},
    "strong": {"method": "pgd", "epochs": 200},
}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        text = format(value.normalize(), "f")
        return "0" if text == "-0" else text
    return list(value) if isinstance(value, tuple) else value
