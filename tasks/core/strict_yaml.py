"""YAML that means one thing: a small subset of it, read into nodes that know their line.

Plain scalars are null, true, false, decimal numbers or text. What other readers take for something else (`yes`, `0x10`,
`1_000`, `.inf`, `True`) is refused until it is quoted. Aliases, anchors, tags, duplicate keys and a second document are
refused as well: an alias multiplies what a reviewer reads once, and a duplicate key hides what he read first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NoReturn, Union

import yaml

from hardline.tasks.core.errors import ContractError

MAX_BYTES = 1 << 20  # ten times a contract of 1,000 columns
_MAX_DEPTH = 16
_MAX_MAGNITUDE = Decimal("1e30")  # inside float32, with room for sums
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,29})(?:\.[0-9]{1,30})?(?:[eE][-+]?[0-9]{1,2})?")
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,15})")
_AMBIGUOUS: Final = re.compile(
    r"(?i)y|n|yes|no|on|off|true|false|null|[-+]?\.(?:inf|nan)|[-+]?[0-9][0-9_]*|0x[0-9a-f_]+|0o[0-7_]+"
    r"|[-+]?[0-9_]*\.[0-9_]+(?:e[-+]?[0-9]+)?|[-+]?[0-9_]+(?:\.[0-9_]*)?e[-+]?[0-9]+"
)
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's parser where it was built in

Value = Union[None, bool, Decimal, str, "list[Node]", "dict[str, Node]"]


@dataclass(frozen=True, slots=True)
class Node:
    """A value, where it stands, and the checks that turn it into a type; each raises `ContractError` with the line."""

    path: str
    line: int
    value: Value

    def refuse(self, message: str) -> NoReturn:
        """Raise with the line and the path."""
        raise ContractError(f"contract line {self.line}, {self.path or 'document'}: {message}")

    def fields(self, required: Set[str], optional: Set[str] = frozenset()) -> Mapping[str, Node]:
        """The node's fields, which must be these."""
        if not isinstance(self.value, dict):
            self.refuse(f"a mapping expected, got {self._kind}")
        missing = sorted(required - self.value.keys())
        unknown = sorted(self.value.keys() - required - optional)
        if unknown:
            self.refuse(f"fields {', '.join(sorted(required | optional))} expected, got {unknown[0][:60]!r}")
        if missing:
            self.refuse(f"field {missing[0]!r} expected, got nothing")
        return self.value

    def mapping(self) -> Mapping[str, Node]:
        """The node's fields, whatever their names; at least one."""
        if not isinstance(self.value, dict) or not self.value:
            self.refuse(f"a mapping of at least one name expected, got {self._kind}")
        return self.value

    def items(self) -> tuple[Node, ...]:
        """The node's elements; at least one."""
        if not isinstance(self.value, list) or not self.value:
            self.refuse(f"a list of at least one element expected, got {self._kind}")
        return tuple(self.value)

    def text(self, pattern: str = r"(?s).{1,4000}") -> str:
        """A text of that form."""
        if not isinstance(self.value, str) or not re.fullmatch(pattern, self.value):
            self.refuse(f"a text of the form {pattern} expected, got {self._kind}")
        return self.value

    def one_of(self, *choices: str) -> str:
        """One of some words."""
        if not isinstance(self.value, str) or self.value not in choices:
            self.refuse(f"{' or '.join(choices)} expected, got {self._kind}")
        return self.value

    def boolean(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            self.refuse(f"true or false expected, got {self._kind}")
        return self.value

    def decimal(self, low: Decimal | int = -_MAX_MAGNITUDE, high: Decimal | int = _MAX_MAGNITUDE) -> Decimal:
        """A number from `low` to `high`, exactly as it is written."""
        if not isinstance(self.value, Decimal) or not low <= self.value <= high:
            self.refuse(f"a number from {low} to {high} expected, got {self._kind}")
        return self.value

    def integer(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        number = self.decimal(low, high)
        if number != int(number):
            self.refuse(f"a whole number from {low} to {high} expected, got a fraction")
        return int(number)

    def plain(self) -> Any:
        """The value without its lines."""
        if isinstance(self.value, dict):
            return {name: node.plain() for name, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    @property
    def _kind(self) -> str:
        kinds = {type(None): "nothing", bool: "true or false", Decimal: "a number", str: "another text"}
        return kinds.get(type(self.value), "a list" if isinstance(self.value, list) else "a mapping")


def parse(data: bytes) -> Node:
    """Read one document.

    Args:
        data: UTF-8.

    Raises:
        ContractError: It is not of this subset; the message has the line.
    """
    if len(data) > MAX_BYTES:
        raise ContractError(f"contract: at most {MAX_BYTES} bytes expected, got {len(data)}")
    try:
        text = data.decode("utf-8")
        events = yaml.parse(text, Loader=_LOADER)
        return _document(events)
    except UnicodeDecodeError:
        raise ContractError("contract: UTF-8 expected, got something else") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark is not None else ""
        raise ContractError(f"contract{where}: YAML expected, got something else") from None


def _document(events: Iterator[yaml.Event]) -> Node:
    for expected in (yaml.StreamStartEvent, yaml.DocumentStartEvent):
        event = next(events)
        if not isinstance(event, expected):
            raise ContractError("contract: one document expected, got none")
    node = _node(events, next(events), "", 0)
    next(events)  # the end of the document
    if not isinstance(next(events), yaml.StreamEndEvent):
        raise ContractError("contract: one document expected, got another after it")
    return node


def _node(events: Iterator[yaml.Event], event: yaml.Event, path: str, depth: int) -> Node:
    line: int = event.start_mark.line + 1
    empty = Node(path, line, None)
    if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
        empty.refuse("no aliases and anchors expected, got one")
    if event.tag is not None:
        empty.refuse("no tags expected, got one")
    if depth > _MAX_DEPTH:
        empty.refuse(f"at most {_MAX_DEPTH} levels expected, got more")
    if isinstance(event, yaml.ScalarEvent):
        return Node(path, line, _scalar(event.value, empty) if event.style is None else event.value)
    if isinstance(event, yaml.SequenceStartEvent):
        elements: list[Node] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            elements.append(_node(events, event, f"{path}[{len(elements)}]", depth + 1))
        return Node(path, line, elements)
    fields: dict[str, Node] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        key = _node(events, event, path, depth + 1)
        if not isinstance(key.value, str):
            key.refuse("names of fields as texts expected, got something else")
        if key.value in fields:
            key.refuse(f"field {key.value[:60]!r} once expected, got it twice")
        fields[key.value] = _node(events, next(events), f"{path}.{key.value}".lstrip("."), depth + 1)
    return Node(path, line, fields)


def _scalar(text: str, node: Node) -> Value:
    if text in ("", "~", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if _INTEGER.fullmatch(text) or _NUMBER.fullmatch(text):
        return Decimal(text)
    if _AMBIGUOUS.fullmatch(text):
        node.refuse("a value that every YAML reader takes for the same expected, got one to be quoted or rewritten")
    return text
