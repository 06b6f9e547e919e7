"""What the model says: scripted policies that turn a prompt into an answer."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import Protocol


class Answers(Protocol):
    """A scripted policy. It is called once per request, before any simulated time passes."""

    def answer(self, prompt_text: str, session_id: str | None) -> str:
        """The assistant's next message, without its end token.

        Args:
            prompt_text: the whole prompt with its special tokens visible, so that turns can be counted.
            session_id: the program the request belongs to, where the client said so.
        """
        ...


class Echo:
    """Answers with the last message of the prompt, for tests."""

    def answer(self, prompt_text: str, session_id: str | None) -> str:
        """The content of the last complete ChatML message, or the whole prompt if there is none."""
        body = prompt_text.rpartition("<|im_end|>")[0] or prompt_text
        return body.rpartition("<|im_start|>")[2].partition("\n")[2] or body


def echo() -> Echo:
    """Factory of `Echo`, for `--answers`."""
    return Echo()


def load_answers(factory_path: str, arguments: Mapping[str, str], seed: int) -> Answers:
    """Build the policy named by `MODULE:FACTORY`.

    Args:
        factory_path: an importable module and a callable in it.
        arguments: keyword arguments, all strings.
        seed: passed on as `seed` if the factory takes a parameter of this name.

    Raises:
        ValueError: the path is not of this form, cannot be imported, does not take these arguments, or what it
            builds has no `answer` method.
    """
    module_name, _, attribute = factory_path.partition(":")
    if not module_name or not attribute:
        raise ValueError(f"answers is {factory_path!r}, it must have the form MODULE:FACTORY")
    try:
        factory = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"answers is {factory_path!r}, which cannot be imported: {error}") from error
    keywords: dict[str, object] = dict(arguments)
    parameters = inspect.signature(factory).parameters
    if "seed" in parameters:
        keywords.setdefault("seed", seed)
    try:
        inspect.signature(factory).bind(**keywords)
    except TypeError as error:
        raise ValueError(f"answers {factory_path!r} does not take {sorted(keywords)}: {error}") from error
    answers: Answers = factory(**keywords)
    if not callable(getattr(answers, "answer", None)):
        raise ValueError(f"answers {factory_path!r} built a {type(answers).__name__}, which has no method `answer`")
    return answers
