"""What can be wrong with a message's content; the texts are for the merchant."""

from typing import Self

from app.errors import AppError

TOO_MUCH = "it does too much work"
"""What a template is told that would keep a worker busy."""


class ContentError(AppError):
    """The content cannot be used as it is; the text says where and why."""

    def at(self, place: str) -> Self:
        """The same error, saying where it is (`it, block 3`)."""
        self.args = (f"{place}: {self}",)
        return self


class UnresolvedContent(ContentError):
    """Something that the content needs is missing; `name` says what (`voucher.code`)."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the content needs {name}, which is missing")
        self.name = name
