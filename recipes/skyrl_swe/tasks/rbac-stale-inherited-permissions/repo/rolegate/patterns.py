"""Permissions and the patterns of rules.

A pattern is written like a permission, with ``*`` for any area or any action.
"""


def split(permission: str) -> tuple[str, str]:
    """Split ``area:action`` or raise ValueError.

    >>> split("report:read")
    ('report', 'read')
    """
    area, colon, action = permission.partition(":")
    if not (area and colon and action) or ":" in action:
        raise ValueError(f"not a permission: {permission!r}")
    return area, action


def matches(pattern: str, permission: str) -> bool:
    """Whether ``permission`` is covered by ``pattern``.

    >>> matches("report:*", "report:read"), matches("*:read", "report:write")
    (True, False)
    """
    return all(p in ("*", part) for p, part in zip(split(pattern), split(permission)))


def any_matches(patterns, permission: str) -> bool:
    """Whether one of ``patterns`` covers ``permission``. Exact rules are found without a search."""
    if permission in patterns:
        return True
    return any(matches(pattern, permission) for pattern in patterns if "*" in pattern)
