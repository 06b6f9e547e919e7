"""JSON Pointer: parsing, formatting and looking up."""


class PointerError(LookupError):
    """The pointer is malformed or leads nowhere."""


def parse(pointer):
    """Split a pointer into its unescaped tokens."""
    if pointer == "":
        return []
    if not pointer.startswith("/"):
        raise PointerError(f"pointer must start with a slash: {pointer!r}")
    return [unescape(token) for token in pointer[1:].split("/")]


def unescape(token):
    return token.replace("~1", "/").replace("~0", "~")


def escape(token):
    return str(token).replace("~", "~0").replace("/", "~1")


def key_of(container, token, appending=False):
    """Turn a token into a key that fits the container."""
    if isinstance(container, dict):
        return token
    if not isinstance(container, list):
        raise PointerError(f"{token!r} points into a plain value")
    if appending and token == "-":
        return len(container)
    if not token.isdigit() or (len(token) > 1 and token[0] == "0"):
        raise PointerError(f"bad list index {token!r}")
    index = int(token)
    if index > len(container) or (index == len(container) and not appending):
        raise PointerError(f"index {index} is out of range")
    return index


def step(container, token):
    """Go down one level."""
    key = key_of(container, token)
    if isinstance(container, dict) and key not in container:
        raise PointerError(f"no member {token!r}")
    return container[key]


def resolve(document, pointer):
    """Return the value that a pointer addresses."""
    value = document
    for token in parse(pointer):
        value = step(value, token)
    return value


def locate(document, pointer):
    """Return the container of the addressed value, and the last token."""
    *parents, last = parse(pointer)
    container = document
    for token in parents:
        container = step(container, token)
    return container, last
