"""What `tokenize` does whatever the method: fields, offsets, cutting, <s> and </s>, and that the lineage tells all of it."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import Textkit
from tests.making import records_of, run
from textkit.artifacts.store import Store
from textkit.errors import InputError, UsageError
from textkit.registry import TOKENIZERS
from textkit.stage import ids_owner, restore
from textkit.tokenizers.applying import Applying
from textkit.tokenizers.stage import Tokenize

CORPUS = ["the film was great, the film was fun", "재밌게 봤다 정말 재밌다", "a b c x [ ] < >"] * 3
PAIRS: list[dict[str, Any] | str] = [{"text": "the film", "target": "영화"}, {"text": "the cast", "target": "배우 영화"}] * 2


def methods() -> list[Any]:
    """Those that learn here: not one that is only ever loaded, nor one whose package is not there."""
    absent = {"pretrained"}
    try:
        import kiwipiepy  # noqa: F401
    except ModuleNotFoundError:
        absent.add("morphs")
    return [name for name in TOKENIZERS if name not in absent]


each_method = pytest.mark.parametrize("method", methods())


def learned(method: str, folder: Path, applying: Applying | None = None, corpus: Any = CORPUS, **config: Any) -> Tokenize:
    stage = Tokenize.of(method, TOKENIZERS.find(method).Config(**config), Store(str(folder)), applying)
    run(corpus, stage)
    return stage


@each_method
def test_cutting_leaves_the_marks_of_beginning_and_end(method: str, tmp_path: Path) -> None:
    learned(method, tmp_path / "tok", corpus=CORPUS)
    plain = records_of(run(CORPUS[:3], Tokenize.load(tmp_path / "tok")))
    stage = Tokenize.load(tmp_path / "tok", Applying(max_tokens=4, add_bos_eos=True))
    for record, due in zip(records_of(run(CORPUS[:3], stage)), plain, strict=True):
        assert record["tokens"] == ["<s>", *due["tokens"][:2], "</s>"]
        assert record["ids"] == [5, *due["ids"][:2], 6]
    assert stage.finish() == {"truncated": 3}


@each_method
def test_a_lineage_entry_replays_all_settings(method: str, tmp_path: Path) -> None:
    applying = Applying(("text", "target"), max_tokens=3, stop_words=("the",), add_bos_eos=True)
    stage = learned(method, tmp_path / "tok", applying, PAIRS, min_frequency=1)
    due = records_of(run(PAIRS, Tokenize.load(tmp_path / "tok", applying)))
    assert due[0]["target_tokens"][-1] == "</s>"
    again = restore(stage.entry())
    assert records_of(run(PAIRS, again)) == due
    assert again.entry().identity == stage.entry().identity
    assert stage.entry().identity != Tokenize.load(tmp_path / "tok").entry().identity


@each_method
def test_settings_of_learning_are_not_in_the_lineage_where_nothing_is_learned(method: str) -> None:
    tokenizer = TOKENIZERS.find(method)
    if tokenizer.must_learn:
        return
    usual = Tokenize.of(method)
    other = Tokenize.of(method, tokenizer.Config(min_frequency=7, add_special=("<x>",)))
    assert usual.entry() == other.entry()
    assert {*usual.entry().config} == {*tokenizer.applied}
    one = Tokenize.of(method, applying=Applying(offsets=method != "morphs", max_tokens=2, add_bos_eos=True))
    assert restore(one.entry()).entry() == one.entry() != usual.entry()


@each_method
def test_offsets_say_where_in_the_text_a_token_stands(method: str, tmp_path: Path) -> None:
    if method == "morphs":
        with pytest.raises(UsageError, match="not parts of the text"):
            Tokenize.of(method, applying=Applying(offsets=True))
        return
    learned(method, tmp_path / "tok", character_coverage=1.0) if method in ("wordpiece", "bpe") else learned(method, tmp_path / "tok")
    stage = Tokenize.load(tmp_path / "tok", Applying(offsets=True))
    for record in records_of(run([*CORPUS, "", unicodedata.normalize("NFD", CORPUS[1]), "  x\u200d "], stage)):
        assert len(record["offsets"]) == len(record["tokens"]) == len(record["ids"])
        starts = [start for start, _ in record["offsets"]]
        assert starts == sorted(starts)
        assert all(0 <= start <= end <= len(record["text"]) for start, end in record["offsets"])


WORD = st.text("가각e밌n\u0301다", min_size=1, max_size=5)


@given(st.lists(WORD, max_size=5))
@settings(max_examples=60)
def test_offsets_of_decomposed_text_hold_whole_words(words: list[str]) -> None:
    """The library itself leaves out the last parts of a token's last character."""
    words = [word for word in (unicodedata.normalize("NFD", word) for word in words) if unicodedata.category(word[0]) == "Lo" or word[0] in "en"]
    text = "  ".join(words)
    (record,) = records_of(run([text], Tokenize.of("whitespace", applying=Applying(offsets=True))))
    assert [text[start:end] for start, end in record["offsets"]] == words
    assert record["tokens"] == [unicodedata.normalize("NFC", word) for word in words]


def test_offsets_count_code_points_of_the_text_as_it_came() -> None:
    texts = ["Ünder 👍🏽 봤다", "A\u0301B c", "ﬁne"]
    config = TOKENIZERS.find("words").Config(normalize="nfkc", lowercase=True, strip_accents=True)
    records = records_of(run(texts, Tokenize.of("words", config, applying=Applying(offsets=True))))
    assert [record["tokens"] for record in records] == [["under", "👍🏽", "봤다"], ["ab", "c"], ["fine"]]
    assert [record["offsets"] for record in records] == [[[0, 5], [6, 8], [9, 11]], [[0, 3], [4, 5]], [[0, 3]]]


def test_one_vocabulary_of_all_fields(tmp_path: Path) -> None:
    stage = learned("words", tmp_path / "tok", Applying(("text", "target")), PAIRS)
    assert stage.vocabulary is not None
    assert {"film", "cast", "영화", "배우", "the"} <= {*stage.vocabulary.tokens}
    stream = run(PAIRS, Tokenize.load(tmp_path / "tok", Applying(("target",))))
    (first, *_) = records_of(stream)
    assert (first["target_tokens"], "tokens" in first) == (["영화"], False)


def test_two_stages_have_two_vocabularies_and_each_owns_its_ids(tmp_path: Path) -> None:
    stages = [
        Tokenize.of("words", store=Store(str(tmp_path / name)), applying=Applying(fields)) for name, fields in (("a", ("text",)), ("b", ("target",)))
    ]  # type: ignore[arg-type]
    stream = run(PAIRS, *stages)
    first, second = stream.lineage.stages
    assert (ids_owner(stream.lineage), ids_owner(stream.lineage, "target_ids"), ids_owner(stream.lineage, "pair_ids")) == (first, second, None)
    record = records_of(stream)[1]
    assert (record["tokens"], record["target_tokens"]) == (["the", "cast"], ["배우", "영화"])
    assert len(record["ids"]) == len(record["target_ids"]) == 2
    vocabularies = [stage.vocabulary.tokens for stage in stages if stage.vocabulary]
    assert "영화" not in vocabularies[0] and "the" not in vocabularies[1]


def test_one_stage_of_two_fields_owns_both(tmp_path: Path) -> None:
    stream = run(PAIRS, Tokenize.of("words", store=Store(str(tmp_path / "tok")), applying=Applying(("text", "target"))))
    assert ids_owner(stream.lineage) == ids_owner(stream.lineage, "target_ids") == stream.lineage.stages[0]


def test_only_what_belongs_to_the_field_is_outdated() -> None:
    record = {"text": "a", "target": "b", "ids": [1], "target_ids": [2], "offsets": [[0, 1]], "mask": [1], "target_mask": [1]}
    (out,) = records_of(run([record], Tokenize.of("words", applying=Applying(("target",)))))
    assert out == {"text": "a", "target": "b", "ids": [1], "offsets": [[0, 1]], "mask": [1], "target_tokens": ["b"]}


def test_a_record_without_the_field_is_an_error() -> None:
    with pytest.raises(InputError, match="no 'target'"):
        records_of(run([{"text": "a", "target": "b"}, {"text": "a"}], Tokenize.of("words", applying=Applying(("text", "target")))))


def test_marks_of_beginning_and_end_need_room_and_a_vocabulary_that_has_them(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least 2"):
        Tokenize.of("words", applying=Applying(max_tokens=1, add_bos_eos=True))
    assert records_of(run(["a b"], Tokenize.of("words", applying=Applying(max_tokens=2, add_bos_eos=True))))[0]["tokens"] == ["<s>", "</s>"]
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n")
    with pytest.raises(UsageError, match="no such tokens"):
        Tokenize.load(tmp_path / "vocab.txt", Applying(add_bos_eos=True))


@each_method
def test_saved_with_marks_it_puts_them_ever_after_as_the_library_does(method: str, tmp_path: Path) -> None:
    from tokenizers import Tokenizer

    learned(method, tmp_path / "tok", add_bos_eos=True)
    text = "the film 재밌다"
    (record,) = records_of(run([text], Tokenize.load(tmp_path / "tok")))
    assert record["tokens"][0] == "<s>" and record["tokens"][-1] == "</s>"
    if method != "morphs":  # whose library file takes analysed text
        assert record["ids"] == Tokenizer.from_file(str(tmp_path / "tok" / "tokenizer.json")).encode(text).ids


def test_decomposed_text_is_told_of_once_with_its_share(textkit: Textkit) -> None:
    nfd = unicodedata.normalize("NFD", "재밌게 봤다")
    told = textkit("tokenize", stdin=f"{nfd}\ncafé\nplain\n재밌게\n").stderr
    assert told.count("NFD") == 1
    assert "25.0 % of 4 records are NFD text; normalized to NFC" in told
    assert "NFD" not in textkit("tokenize", "--normalize", "nfd", stdin=nfd).stderr
    assert "NFD" not in textkit("tokenize", stdin="कि หนึ่ง 👍🏽\n").stderr


def test_options_set_what_the_method_has_and_no_more(textkit: Textkit) -> None:
    textkit(
        "tokenize",
        "--method",
        "wordpiece",
        "--limit-alphabet",
        3,
        "--add-special",
        "<sep>,<user>",
        "--min-frequency",
        1,
        "--save",
        "tok",
        stdin="aab bbc cde\n",
    )
    manifest = Tokenize.load(textkit.folder / "tok")
    assert manifest.tokenizer.config.limit_alphabet == 3
    assert manifest.vocabulary is not None and manifest.vocabulary.tokens[7:9] == ["<sep>", "<user>"]
    refused = textkit("tokenize", "--limit-alphabet", 3, "--save", "other", stdin="a\n", code=2)
    assert "--limit-alphabet is no setting of the method words; it goes with wordpiece" in refused.stderr
    assert "--min-frequency goes with learning" in textkit("tokenize", "--min-frequency", 3, stdin="a\n", code=2).stderr
    assert "--normalize goes with learning" in textkit("tokenize", "--load", "tok", "--normalize", "nfd", stdin="a\n", code=2).stderr
    assert "takes text, pair and target" in textkit("tokenize", "--fields", "text,label", stdin="a\n", code=2).stderr
    assert "is not in the range" in textkit("tokenize", "--max-tokens", 2**31, stdin="a\n", code=2).stderr


def test_the_pipe_that_makes_it_again_has_the_same_options(textkit: Textkit) -> None:
    (textkit.folder / "in.tsv").write_text("text\ttarget\nThe cat sat\ta b\nthe dog\tb c\n")
    done = textkit(
        "tokenize",
        "--lowercase",
        "--fields",
        "text,target",
        "--stop-words",
        "en",
        "--max-tokens",
        3,
        "--add-bos-eos",
        "--offsets",
        "in.tsv",
        "-o",
        "out.jsonl",
    )
    assert "2 records, 2 truncated" in done.stderr
    pipe = textkit("show", "--pipeline", "out.jsonl").stdout
    assert "--stop-words en" in pipe and "--fields text,target" in pipe
    again = textkit.shell(f"{pipe.strip()} < in.tsv").stdout
    assert again == (textkit.folder / "out.jsonl").read_text()


def test_a_bundle_replays_them(textkit: Textkit) -> None:
    rows = "".join(f"the {word} film\t{label}\n" for word, label in (("good", "1"), ("bad", "0")) * 6)
    (textkit.folder / "in.tsv").write_text("text\tlabel\n" + rows)
    textkit.shell("textkit tokenize --stop-words en --max-tokens 2 --save tok in.tsv | textkit train classify --arch logreg --save model")
    assert textkit("predict", "model", stdin="the good film\nbad the the film\n").stdout.count('"prediction"') == 2
    told = textkit.shell("textkit tokenize --load tok in.tsv | textkit predict model", code=4).stderr
    assert "stop_words" in told or "max_tokens" in told


def test_vocab_lists_tokens_with_counts(textkit: Textkit) -> None:
    out = textkit("tokenize", "--vocab", "--stop-words", "en", stdin="film the film\n").stdout
    assert out.splitlines()[1].split("\t")[0] == "film"
    assert len(out.splitlines()) == 2
    assert "--offsets is for records" in textkit("tokenize", "--vocab", "--offsets", stdin="a\n", code=2).stderr
