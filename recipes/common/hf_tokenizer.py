"""The byte-level tokenizer as transformers loads one, with a ChatML template."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recipes.common.tokenizer import byte_tokenizer

CHATML = (
    "{% for m in messages %}{{'<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{'<|im_start|>assistant\n'}}{% endif %}"
)


def make_tokenizer() -> Any:
    """A ``PreTrainedTokenizerFast``."""
    from transformers import PreTrainedTokenizerFast

    fast = PreTrainedTokenizerFast(
        tokenizer_object=byte_tokenizer(), eos_token="<|im_end|>", pad_token="<|endoftext|>", padding_side="left"
    )
    fast.chat_template = CHATML
    return fast


def save_tokenizer(directory: Path) -> Path:
    """Write it where a framework and the embedded engine look for a model's tokenizer."""
    make_tokenizer().save_pretrained(str(directory))
    return directory
