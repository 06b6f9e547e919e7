"""Text to token ids and back, without transformers (slow to import and large)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import tokenizers

END_OF_TURN = "<|im_end|>"


class Tokenizer(Protocol):
    """What the server needs of a tokenizer."""

    @property
    def eos_token_id(self) -> int:
        """The token that ends an answer."""
        ...

    @property
    def vocab_size(self) -> int:
        """Token ids are below this."""
        ...

    def encode(self, text: str) -> list[int]:
        """Token ids of a text; special tokens written in it become their ids, none are added."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """The text of token ids, special tokens visible."""
        ...

    def apply_chat_template(self, messages: Sequence[tuple[str, str]]) -> str:
        """The prompt text of (role, content) messages, up to where the assistant's answer begins."""
        ...


class ChatMLTokenizer:
    """A `tokenizer.json` with the ChatML template of the Qwen family (no default system message)."""

    def __init__(self, tokenizer: tokenizers.Tokenizer) -> None:
        """Raises ValueError if the tokenizer lacks the end token."""
        eos_token_id: int | None = tokenizer.token_to_id(END_OF_TURN)
        if eos_token_id is None:
            raise ValueError(f"the tokenizer has no token {END_OF_TURN!r}, a ChatML tokenizer is needed")
        self._tokenizer = tokenizer
        self._eos_token_id: int = eos_token_id
        # Ids may have holes below the largest one, so the largest counts, not how many there are.
        self._vocab_size: int = 1 + max(tokenizer.get_vocab(with_added_tokens=True).values())

    @classmethod
    def from_directory(cls, directory: Path) -> ChatMLTokenizer:
        """Read `tokenizer.json` in a directory. Raises ValueError if there is none."""
        path = directory / "tokenizer.json"
        if not path.is_file():
            raise ValueError(f"tokenizer is {str(directory)!r}, it must be a directory with a tokenizer.json")
        return cls(tokenizers.Tokenizer.from_file(str(path)))

    @property
    def eos_token_id(self) -> int:
        """The id of `<|im_end|>`."""
        return self._eos_token_id

    @property
    def vocab_size(self) -> int:
        """One more than the largest id."""
        return self._vocab_size

    def encode(self, text: str) -> list[int]:
        """Token ids of a text; special tokens written in it become their ids, none are added."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of token ids, special tokens visible."""
        text: str = self._tokenizer.decode(ids, skip_special_tokens=False)
        return text

    def apply_chat_template(self, messages: Sequence[tuple[str, str]]) -> str:
        """ChatML with the generation prompt."""
        turns = "".join(f"<|im_start|>{role}\n{content}{END_OF_TURN}\n" for role, content in messages)
        return f"{turns}<|im_start|>assistant\n"


class TextStream:
    """Turns a stream of token ids into text deltas, holding back a character until all its bytes are there."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._pending: list[int] = []

    def feed(self, ids: Sequence[int], *, last: bool = False) -> str:
        """The text that is complete now; `last` gives out what is left as it is."""
        self._pending.extend(ids)
        text = self._tokenizer.decode(self._pending)
        if text.endswith("\ufffd") and not last:
            return ""
        self._pending.clear()
        return text
