"""The regular expressions that a suite may hold: what Python, Rust and RE2 read alike, and nothing else.

Great Expectations matches with pandas (Python's `re`, or RE2), the compiler with polars (Rust). They differ in `\\d`,
`\\w`, `\\s` and `\\b` (which characters), in `$` (before a final newline or not), and in what they have at all
(lookaround, backreferences, inline flags). The subset is read by a small parser, so that it is known and not guessed.
"""

from __future__ import annotations

import re

from hardline.tasks.core.errors import ContractError

MAX_LENGTH = 1000  # characters
MAX_ITEMS = 1000  # with every repeat written out: Rust compiles at most 10 MiB, and RE2 repeats at most 1,000 times
MAX_DEPTH = 20  # nested groups

_ESCAPED = frozenset("\\.^$*+?()[]{}|-/")
_CONTROLS = frozenset("tnr")
_BOUNDS = re.compile(r"\{(\d{1,4})(?:(,)(\d{0,4}))?\}")


def check_regex(text: str, subject: str) -> str:
    """Refuse a regular expression outside the common subset.

    Args:
        text: As the suite writes it; it is searched for, not anchored.
        subject: What the message starts with.

    Raises:
        ContractError: It is outside; the message says what to write instead.
    """
    if not 0 < len(text) <= MAX_LENGTH:
        raise ContractError(f"{subject}: 1 to {MAX_LENGTH} characters expected, got {len(text)}")
    reader = _Reader(text, subject)
    if reader.alternatives(0) > MAX_ITEMS:
        raise reader.refused(f"at most {MAX_ITEMS} items, counting repeats,")
    if reader.at != len(text):
        raise reader.refused("balanced parentheses")
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError):
        raise ContractError(f"{subject}: a regular expression expected") from None
    return text


def rust_regex(text: str) -> str:
    """The same expression for Rust: the end of the text is `\\z` there and `\\Z` in Python."""
    return re.sub(r"\\(.)", lambda found: r"\z" if found[1] == "Z" else found[0], text, flags=re.DOTALL)


class _Reader:
    """A recursive descent over alternatives, sequences and repeated items; each returns its items, repeats written out."""

    def __init__(self, text: str, subject: str) -> None:
        self.text, self.subject, self.at = text, subject, 0

    def refused(self, expected: str) -> ContractError:
        return ContractError(f"{self.subject}: character {self.at + 1}: {expected} expected")

    def alternatives(self, depth: int) -> int:
        """Sequences between bars, up to a closing parenthesis or the end."""
        if depth > MAX_DEPTH:
            raise self.refused(f"at most {MAX_DEPTH} nested groups")
        items = self._sequence(depth)
        while self._peek() == "|":
            self.at += 1
            items += self._sequence(depth)
        return items

    def _sequence(self, depth: int) -> int:
        items = 0
        while self._peek() not in ("", "|", ")"):
            items += self._item(depth)
        return items

    def _item(self, depth: int) -> int:
        character = self._peek()
        count, repeatable = 1, True
        if character == "(":
            count = self._group(depth)
        elif character == "[":
            self._character_class()
        elif character == "\\":
            repeatable = self._escape()
        elif character == "^":
            self.at, repeatable = self.at + 1, False
        elif character == "$":
            raise self.refused("\\Z for the end of the text ($ also stands before a final newline)")
        elif character in "*+?{}]":
            raise self.refused(f"\\{character} for the character itself")
        else:
            self._plain(character)
        return count * self._repeat(repeatable)

    def _group(self, depth: int) -> int:
        self.at += 1
        if self._peek() == "?":
            if self.text[self.at : self.at + 2] != "?:":
                raise self.refused("a plain group (no lookaround, no flags, no names)")
            self.at += 2
        count = self.alternatives(depth + 1)
        if self._peek() != ")":
            raise self.refused("balanced parentheses")
        self.at += 1
        return count

    def _repeat(self, repeatable: bool) -> int:
        character = self._peek()
        if character not in ("*", "+", "?", "{"):
            return 1
        if not repeatable:
            raise self.refused("no repeat of an anchor")
        count = 1
        if character == "{":
            found = _BOUNDS.match(self.text, self.at)
            if found is None:
                raise self.refused("{m}, {m,} or {m,n}, or \\{ for the character itself,")
            low, high = int(found[1]), int(found[3] or found[1])
            if low > high:
                raise self.refused("{m,n} with m not above n")
            self.at, count = found.end(), max(high, 1)
        else:
            self.at += 1
        if self._peek() in ("*", "+", "?", "{"):
            raise self.refused("one repeat for an item (no lazy and no possessive ones)")
        return count

    def _escape(self) -> bool:
        """An escaped character; False for the end of the text, which is no item to repeat."""
        following = self.text[self.at + 1 : self.at + 2]
        if following == "Z":
            self.at += 2
            return False
        if following not in _ESCAPED | _CONTROLS or not following:
            raise self.refused(
                "an escaped sign, \\t, \\n, \\r or \\Z ([0-9] for \\d, [A-Za-z0-9_] for \\w, [ ] for \\s)"
            )
        self.at += 2
        return True

    def _character_class(self) -> None:
        self.at += 1
        if self._peek() == "^":
            self.at += 1
        first, size = True, 0
        while self._peek() != "]" or first:
            low = self._member()
            if self._peek() == "-" and self.text[self.at + 1 : self.at + 2] != "]":
                self.at += 1
                if self._member() < low:
                    raise self.refused("a range of characters from low to high")
            first, size = False, size + 1
        self.at += 1

    def _member(self) -> str:
        character = self._peek()
        if character == "\\":
            following = self.text[self.at + 1 : self.at + 2]
            if not following or following not in _ESCAPED | _CONTROLS:
                raise self.refused("an escaped sign, \\t, \\n or \\r in a set of characters")
            self.at += 2
            return {"t": "\t", "n": "\n", "r": "\r"}.get(following, following)
        if character in ("", "[", "]", "^", "&", "~", "-"):
            # Rust reads nested sets, && -- and ~~ as operations on sets
            escape = "\\" + character
            if character in ("&", "~"):
                raise self.refused(f"no {character} in a set of characters")
            raise self.refused(f"{escape} for the character itself" if character else "a closed set of characters")
        self._plain(character)
        return character

    def _plain(self, character: str) -> None:
        if not character.isprintable():
            raise self.refused("printable characters, or \\t, \\n, \\r")
        self.at += 1

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]
