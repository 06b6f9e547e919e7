"""A decorator that remembers the results of a function."""
import functools

_MISSING = object()


def make_key(args, kwargs):
    """Build a hashable key from the arguments of a call."""
    return args + (_MISSING,) + tuple(sorted(kwargs.items()))


def memoize(cache):
    """Return a decorator that stores results in the given cache.

    The cache may be shared by several functions, because the function itself is
    a part of each key. Exceptions are not stored.
    """

    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            key = (function, make_key(args, kwargs))
            result = cache.get(key, _MISSING)
            if result is _MISSING:
                result = function(*args, **kwargs)
                cache.put(key, result)
            return result

        wrapper.cache = cache
        return wrapper

    return decorate
