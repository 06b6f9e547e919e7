"""Merging of layers."""


def merge_layers(layers):
    """Return one dictionary with the values of all layers, the last one on top."""
    result = {}
    for layer in layers:
        _merge_into(result, layer)
    return result


def _merge_into(target, layer):
    """Put a layer on top of the target."""
    for key, value in layer.items():
        if key.endswith("+"):
            _extend(target, key[:-1], value)
        elif value is None:
            target.pop(key, None)
        elif isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge_into(target[key], value)
        else:
            target[key] = value


def _extend(target, key, value):
    """Add a list to the list in the target, if there is one."""
    if not isinstance(value, list):
        raise TypeError(f"{key}+ needs a list, not {value!r}")
    if isinstance(target.get(key), list):
        target[key] += value
    else:
        target[key] = value
