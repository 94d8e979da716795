"""The app's own errors; their text is safe to show to the person who caused them."""


class AppError(Exception):
    """Something the caller can mend; the text says what to do."""


class NotFound(AppError):
    """There is no such thing in this store."""


class BadInput(AppError):
    """What was given cannot be used; `field` names the place."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class Busy(AppError):
    """The database cannot write now; nothing was acknowledged, try again shortly."""
