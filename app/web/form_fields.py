"""The fields that forms are made of, as values that a template draws."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.web.catalogue import translate, word

Choices = Sequence[tuple[str, str]]
"""Values with their words."""
Groups = Sequence[tuple[str, Choices]]
"""The same under the names of their groups."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form; `how` picks its element, `parts` are those of a group.

    Attributes:
        least, most: of a number, or the most signs of a text.
    """

    name: str
    how: str
    label: str
    value: str = ""
    help: str = ""
    choices: Choices = ()
    least: int = 0
    most: int = 0
    parts: Sequence["Field"] = ()
    error: str = ""


def number(name: str, label: str, value: int | str, *, least: int = 0, most: int) -> Field:
    """A whole number between two others."""
    return Field(name, "number", label, str(value), least=least, most=most)


def select(name: str, value: str, choices: Choices, label: str = "") -> Field:
    """One of several; by its name's own label where none is given."""
    return Field(name, "select", translate(label or f"step.field.{name}"), value, choices=choices)


def group(name: str, label: str, parts: Sequence[Field]) -> Field:
    """Fields that belong together."""
    return Field(name, "group", label, parts=parts)


def worded(kind: str, values: Iterable[str]) -> Choices:
    """Values of ours with their words."""
    return [(value, word(kind, value)) for value in values]
