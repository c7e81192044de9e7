"""Stop words: frequent words that say little of what a text is about, for bags of words.

The lists were written for textkit. Korean ones are particles, endings' helpers and function words, as `morphs` cuts them
and as they stand alone between spaces.
"""

from __future__ import annotations

from pathlib import Path

from textkit.errors import InputError

ENGLISH = """
a an the this that these those i me my mine myself we us our ours ourselves you your yours yourself he him his himself
she her hers herself it its itself they them their theirs themselves who whom whose which what where when why how
am is are was were be been being do does did doing done have has had having will would shall should can could may might must
and or but nor so if then else than because while although though until unless whether as
of in on at by for with about against between into through during before after above below to from up down out off over
under again there here all any both each few more most other some such only own same too very just not no
""".split()  # noqa: SIM905

KOREAN = """
은 는 이 가 을 를 의 에 에서 에게 께 께서 한테 와 과 랑 이랑 하고 도 만 까지 부터 마저 조차 밖에 처럼 보다 마다 로 으로 로서 로써
으로서 으로써 이나 나 라도 이라도 든지 이란 란 그 이것 그것 저것 저 것 거 수 등 및 또 또는 그리고 그러나 그런데 하지만 그래서 따라서
그러므로 즉 때문 대해 대한 위해 통해 따라
""".split()  # noqa: SIM905

LISTS = {"en": ENGLISH, "ko": KOREAN}


def stop_words(given: str) -> tuple[str, ...]:
    """The words of a list by its name, or of a file with one word a line; InputError if it cannot be read."""
    words = LISTS[given] if given in LISTS else _read(Path(given))
    return tuple(sorted({*words}))


def _read(file: Path) -> list[str]:
    fix = f"name a file with one word a line, or one of {', '.join(LISTS)}"
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("the stop words are not UTF-8", where=str(file), fix=fix) from None
    except OSError as error:
        raise InputError(f"no stop words can be read there ({error.strerror})", where=str(file), fix=fix) from None
    words = [word for line in text.split("\n") if (word := line.strip())]
    if not words:
        raise InputError("there are no stop words in it", where=str(file), fix=fix)
    return words
