from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer, models

from thunderagent.adapters.engines.simulated.tokenizer import ChatMLTokenizer, TextStream

from .support import EOS, TOKENIZER, byte_tokenizer


def test_special_tokens_survive_the_way_to_ids_and_back() -> None:
    text = TOKENIZER.apply_chat_template([("user", "grüß dich")])
    ids = TOKENIZER.encode(text)

    assert EOS in ids
    assert TOKENIZER.decode(ids) == text


def test_a_directory_gives_the_same_tokenizer(tmp_path: Path) -> None:
    byte_tokenizer().save(str(tmp_path / "tokenizer.json"))

    assert ChatMLTokenizer.from_directory(tmp_path).encode("hi<|im_end|>") == TOKENIZER.encode("hi<|im_end|>")


def test_a_directory_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be a directory with"):
        ChatMLTokenizer.from_directory(tmp_path)


def test_a_tokenizer_without_chatml_is_refused() -> None:
    with pytest.raises(ValueError, match="a ChatML tokenizer is needed"):
        ChatMLTokenizer(Tokenizer(models.BPE()))


def test_a_text_stream_holds_a_character_back_until_it_is_complete() -> None:
    stream = TextStream(TOKENIZER)
    first, second = TOKENIZER.encode("é")

    assert stream.feed([first]) == ""
    assert stream.feed([second]) == "é"
    assert stream.feed([first]) == ""
    assert stream.feed([], last=True) == "\ufffd"
