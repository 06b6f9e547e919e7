"""The decorator."""

import functools

from .retrier import Retrier


def retry(function=None, /, **options):
    """Decorate a function so that each call of it is retried.

    Takes the options of Retrier; may be used with or without parentheses. The
    retrier is available as the attribute ``retrier`` of the decorated function.
    """
    if function is None:
        return functools.partial(retry, **options)
    retrier = Retrier(**options)

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return retrier.call(function, *args, **kwargs)

    wrapper.retrier = retrier
    return wrapper
