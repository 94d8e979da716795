"""What members may do: each role may do what those after it may, and more."""

OWNER, MARKETER, READER = "owner", "marketer", "reader"
ROLES = (OWNER, MARKETER, READER)
"""The owner may do everything; a marketer everything but members, keys and connections; a reader looks."""


def covers(role: str | None, least: str) -> bool:
    """Whether somebody of this role may do what needs that one at least; None is nobody."""
    return role is not None and ROLES.index(role) <= ROLES.index(least)
