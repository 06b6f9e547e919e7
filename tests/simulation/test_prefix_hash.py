from __future__ import annotations

from thunderagent.simulation.prefix_hash import SeenPrefixes, extend_chain, root_hash


def chain(tokens: tuple[int, ...], salt: str = "") -> list[int]:
    hashes: list[int] = []
    extend_chain(hashes, root_hash(salt), tokens, len(tokens) // 4, 4)
    return hashes


def test_chains_agree_up_to_the_block_with_the_first_different_token() -> None:
    one = chain((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12))
    other = chain((1, 2, 3, 4, 5, 0, 7, 8, 9, 10, 11, 12))

    assert one[0] == other[0]
    assert one[1] != other[1]
    assert one[2] != other[2], "the same block after a different one is a different prefix"


def test_another_salt_changes_the_whole_chain() -> None:
    assert not set(chain((1, 2, 3, 4, 5, 6, 7, 8))) & set(chain((1, 2, 3, 4, 5, 6, 7, 8), salt="weights-2"))


def test_a_chain_can_be_extended_later() -> None:
    tokens = tuple(range(12))
    hashes: list[int] = []
    extend_chain(hashes, root_hash(""), tokens, 1, 4)
    extend_chain(hashes, root_hash(""), tokens, 3, 4)

    assert hashes == chain(tokens)


def test_the_memory_of_seen_prefixes_forgets_the_oldest_first_and_stays_bounded() -> None:
    seen = SeenPrefixes(limit=10)
    for prefix in range(100):
        seen.add([prefix])

    assert 99 in seen
    assert 95 in seen
    assert 0 not in seen
    assert sum(prefix in seen for prefix in range(100)) <= 10
