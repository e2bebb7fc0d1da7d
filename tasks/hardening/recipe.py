"""How to train: every setting that decides a net's weights, in one frozen value with one canonical encoding."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hardline.tasks.core import canonical
from hardline.tasks.core.errors import UsageError

_Share = Annotated[Decimal, Field(ge=0, le=1, allow_inf_nan=False, max_digits=12)]
_Rate = Annotated[Decimal, Field(gt=0, le=1, allow_inf_nan=False, max_digits=12)]
_Factor = Annotated[Decimal, Field(ge=0, le=4, allow_inf_nan=False, max_digits=12)]
_Width = Annotated[int, Field(ge=1, le=4096)]
_RARE = 0.05
_PRESETS: dict[str, dict[str, Any]] = {
    "fast": {"epochs": 30},
    "balanced": {},
    "strong": {"method": "pgd", "epochs": 120},
}


class Recipe(BaseModel):
    """The settings of one training.

    Attributes:
        method: `n-fgsm` (de Jorge et al. 2022, https://arxiv.org/abs/2202.01181) or `pgd` (Madry et al. 2018,
            https://arxiv.org/abs/1706.06083).
        epochs: Passes over the train split, for each of the two nets.
        updates: Most updates of one net: with many rows there are fewer passes, and at least one.
        batch: Rows of one update.
        learning_rate: Of Adam; full for half the run, then linear decay to 2 %.
        weight_decay: Of Adam (L2).
        hidden: Widths of the hidden layers of the net for tables.
        width: Channels of the net for images.
        epsilon_factor: Radius trained at, in units of the contract's epsilon.
        warmup: Share of the updates over which the radius grows linearly from 0.
        noise: Start of the single step: uniform within this many radii (k of the N-FGSM paper, which takes 2 on images;
            on 30 clinical features 2 costs 3 points of clean accuracy for nothing); `auto`: 2 for images, else 0.5.
        pgd_steps: Steps of the iterated attack, in training and in the watchdog.
        watchdog_gap: Share of rows by which the single-step accuracy may exceed the iterated one before the epoch
            counts as catastrophic overfitting (Wong et al. 2020, https://arxiv.org/abs/2001.03994).
        watchdog_rows: Rows of the train split that the watchdog attacks after each epoch.
        class_weight: `balanced`: the rows of each class weigh as much as those of any other; `none`: every row weighs
            the same; `auto`: balanced where a class has less than a twentieth of the rows, else none.
        seed: Of the weights, the order of rows and the noise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["n-fgsm", "pgd"] = "n-fgsm"
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 60
    updates: Annotated[int, Field(ge=1, le=100_000_000)] = 20_000
    batch: Annotated[int, Field(ge=1, le=65_536)] = 64
    learning_rate: _Rate = Decimal("0.003")
    weight_decay: _Share = Decimal("0.0001")
    hidden: Annotated[tuple[_Width, ...], Field(min_length=1, max_length=8)] = (64, 64)
    width: Annotated[int, Field(ge=1, le=1024)] = 16
    epsilon_factor: _Factor = Decimal("1")
    warmup: _Share = Decimal("0.3")
    noise: _Factor | Literal["auto"] = "auto"
    pgd_steps: Annotated[int, Field(ge=1, le=200)] = 10
    watchdog_gap: _Rate = Decimal("0.15")
    watchdog_rows: Annotated[int, Field(ge=1, le=65_536)] = 256
    class_weight: Literal["auto", "none", "balanced"] = "auto"
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0

    @classmethod
    def named(cls, preset: str, **changes: Any) -> Self:
        """A preset (`fast`, `balanced` or `strong`), perhaps with some settings changed; raises `UsageError`."""
        if preset not in _PRESETS:
            raise UsageError(f"recipe: {', '.join(_PRESETS)} expected, got {preset[:40]!r}")
        return cls.from_json({**_PRESETS[preset], **changes})

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Parse an object as `to_json` writes it; a missing setting has its default; raises `UsageError`."""
        if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
            raise UsageError("recipe: an object expected, got something else")
        try:
            return cls(**value)
        except ValidationError as error:
            wrong = sorted({str(item["loc"][0]) for item in error.errors()} & cls.model_fields.keys())
            raise UsageError(f"recipe: {', '.join(wrong) or 'a setting'}: unknown, or out of range") from None

    def resolved(self, *, images: bool, rarest: float) -> Self:
        """The same with every `auto` decided.

        Args:
            images: Whether the net takes images.
            rarest: Share of the rows that the smallest class has.
        """
        noise = (Decimal(2) if images else Decimal("0.5")) if self.noise == "auto" else self.noise
        weight = ("balanced" if rarest < _RARE else "none") if self.class_weight == "auto" else self.class_weight
        return self.model_copy(update={"noise": noise, "class_weight": weight})

    def to_json(self) -> dict[str, Any]:
        """The settings without floats: fractions are decimal strings in their shortest form."""
        return {name: _json(getattr(self, name)) for name in type(self).model_fields}

    def canonical(self) -> bytes:
        """The one encoding of this recipe; equal recipes have equal bytes."""
        return canonical.encode(self.to_json())

    @property
    def digest(self) -> str:
        """The digest of the canonical bytes."""
        return canonical.digest(self.canonical())


def _json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return list(value) if isinstance(value, tuple) else value
