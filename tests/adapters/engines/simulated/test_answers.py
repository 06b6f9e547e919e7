from __future__ import annotations

import pytest

from thunderagent.adapters.engines.simulated.answers import Echo, load_answers

HERE = __name__


class Configured(Echo):
    def __init__(self, flavour: str, seed: int) -> None:
        self.flavour, self.seed = flavour, seed


def not_a_policy() -> object:
    return object()


def test_echo_answers_with_the_last_message() -> None:
    prompt = "<|im_start|>user\nfirst<|im_end|>\n<|im_start|>user\nlast<|im_end|>\n<|im_start|>assistant\n"
    assert Echo().answer(prompt, None) == "last"


def test_a_factory_gets_its_arguments_and_the_seed_if_it_takes_one() -> None:
    answers = load_answers(f"{HERE}:Configured", {"flavour": "sour"}, seed=3)

    assert isinstance(answers, Configured)
    assert (answers.flavour, answers.seed) == ("sour", 3)


@pytest.mark.parametrize(
    ("path", "arguments", "message"),
    [
        ("no_colon", {}, "must have the form MODULE:FACTORY"),
        ("no_such_module_here:x", {}, "cannot be imported"),
        (f"{HERE}:nothing", {}, "cannot be imported"),
        (f"{HERE}:Configured", {"flavour": "sour", "size": "2"}, "does not take"),
        (f"{HERE}:not_a_policy", {}, "no method `answer`"),
    ],
)
def test_a_policy_that_cannot_be_built_says_why(path: str, arguments: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_answers(path, arguments, seed=0)
