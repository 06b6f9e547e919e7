"""Everything that has to do with the safety of the output."""

ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"}
_TABLE = str.maketrans(ENTITIES)

SAFE_PREFIXES = ("http://", "https://", "mailto:", "/", "#")


def escape(text):
    """Replace the special characters of HTML by entities."""
    return text.translate(_TABLE)


def is_safe_address(address):
    """Tell whether a link may point to the address."""
    return address.lower().startswith(SAFE_PREFIXES)
