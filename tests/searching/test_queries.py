"""What a line asks for."""

from __future__ import annotations

import pytest

from textkit.errors import InputError
from textkit.searching.queries import Query, sum_of, words_of


@pytest.mark.parametrize(
    ("line", "words", "signs"),
    [
        ("king", ["king"], [1]),
        ("  king  ", ["king"], [1]),
        ("", [], []),
        ("king - man + woman", ["king", "man", "woman"], [1, -1, 1]),
        ("- man + woman", ["man", "woman"], [-1, 1]),
        ("king − man", ["king", "man"], [1, -1]),
        ("e-mail - -ly", ["e-mail", "-ly"], [1, -1]),
        ('"new york" + paris', ["new york", "paris"], [1, 1]),
        ("new york - usa", ["new york", "usa"], [1, -1]),
        ('"+" - "a - b"', ["+", "a - b"], [1, -1]),
        ('5" disk', ['5" disk'], [1]),
        ('"half', ['"half'], [1]),
    ],
)
def test_sums(line: str, words: list[str], signs: list[int]) -> None:
    assert sum_of(line, "q:1") == Query(tuple(words), tuple(signs))


@pytest.mark.parametrize(("line", "said"), [("king -", "a sign without a word"), ("a + - b", "two signs side by side"), ("+", "a sign without")])
def test_sums_that_are_none(line: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        sum_of(line, "q:3")
    assert str(caught.value).startswith("q:3: ")


def test_words_of_a_line() -> None:
    assert words_of('cat "new york" dog') == ("cat", "new york", "dog")
    assert words_of("cat\tnew york\t") == ("cat", "new york")
    assert words_of(" ") == ()
