"""Files in columns: separators, schemes, comments, and what is wrong with a line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from longshort.data.sources.conll import Conll, read_conll, spelt
from longshort.errors import ArgumentError, DataError


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    def write(text: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / "some.conll"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def test_tokens_and_tags_with_tabs(written: Callable[..., Path]) -> None:
    found = read_conll(written("Ada\tB-PER\nmet\tO\n\n\n#one\tO\nOslo\tB-LOC\n"))
    assert found.corpus.tokens == (("Ada", "met"), ("#one", "Oslo"))
    assert found.corpus.tags == (("B-PER", "O"), ("O", "B-LOC"))
    assert found.corpus.lines is not None
    assert found.corpus.lines.tolist() == [1, 5]
    assert found.scheme == "bio"
    assert found.notes == ()


def test_conll_2003_as_it_is_published(written: Callable[..., Path]) -> None:
    text = (
        "-DOCSTART- -X- -X- O\n\nU.N. NNP I-NP I-ORG\nofficial NN I-NP O\nEkeus NNP I-NP I-PER\n\n"
        "-DOCSTART- -X- -X- O\n\nOslo NNP I-NP I-LOC\nRome NNP I-NP B-LOC\n"
    )
    path = written(text)
    found = read_conll(path)
    assert found.scheme == "iob1"
    assert found.corpus.tags == (("B-ORG", "O", "B-PER"), ("B-LOC", "B-LOC"))
    assert found.corpus.groups == ("some.conll: document 1", "some.conll: document 2")
    assert spelt(found.corpus.tags[1], "iob1") == ("I-LOC", "B-LOC")
    parts = read_conll(path, Conll(tag=1))
    assert parts.scheme is None
    assert parts.corpus.tags == (("NNP", "NN", "NNP"), ("NNP", "NNP"))


@pytest.mark.parametrize(
    ("scheme", "tags"),
    [
        ("bio", ["B-PER", "I-PER", "O", "B-LOC"]),
        ("iobes", ["B-PER", "E-PER", "O", "S-LOC"]),
        ("bilou", ["B-PER", "L-PER", "O", "U-LOC"]),
        ("iob1", ["I-PER", "I-PER", "O", "I-LOC"]),
    ],
)
def test_every_scheme_is_guessed_and_read_as_bio(
    written: Callable[..., Path], scheme: str, tags: list[str]
) -> None:
    path = written("".join(f"w {tag}\n" for tag in tags))
    for given in ("guess", scheme):
        found = read_conll(path, Conll(scheme=given))
        assert found.scheme == scheme
        assert found.corpus.tags == (("B-PER", "I-PER", "O", "B-LOC"),)
    assert spelt(found.corpus.tags[0], found.scheme) == tuple(tags)


def test_conll_u(written: Callable[..., Path]) -> None:
    row = "{}\t{}\tlemma\t{}" + "\t_" * 6
    rows = [
        "# text = Vamonos al mar", row.format("1-2", "vamonos", "_"),
        row.format(1, "vamos", "VERB"), row.format(2, "nos", "PRON"), row.format("2.1", "x", "X"),
        row.format(3, "#mar", "NOUN"), "",
    ]  # fmt: skip
    found = read_conll(written("\n".join(rows)))
    assert found.corpus.tokens == (("vamos", "nos", "#mar"),)
    assert found.corpus.tags == (("VERB", "PRON", "NOUN"),)
    assert found.scheme is None
    assert [n.split(": ")[1] for n in found.notes] == [
        "1 multiword tokens skipped", "1 empty nodes skipped",
    ]  # fmt: skip
    lemmas = read_conll(written("\n".join(rows)), Conll(tag=2))
    assert lemmas.corpus.tags == (("lemma",) * 3,)


def test_comments_blanks_and_files_without_tags(written: Callable[..., Path]) -> None:
    found = read_conll(written("# about it all\nAda  B-PER\r\nLovelace \t I-PER\r\n"))
    assert found.corpus.tokens == (("Ada", "Lovelace"),)
    assert found.corpus.tags == (("B-PER", "I-PER"),)
    plain = read_conll(written("\ufeffAda\nmet\n\nBob\n"))
    assert plain.corpus.tokens == (("Ada", "met"), ("Bob",))
    assert plain.corpus.tags is None
    # a token may hold a blank where tabs part columns
    wide = read_conll(written("New York\tB-LOC\n\tO\n"))
    assert wide.corpus.tokens == (("New York", "_"),)
    assert "1 empty tokens read as '_' (line 2)" in wide.notes[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "empty"),
        ("\n\n", "no line holds a token"),
        ("Ada B-PER\nmet\n", "line 2: 1 columns between blanks where line 1 has 2"),
        ("Ada\tB-PER\nmet\t\n", "line 2: 'met' has no tag"),
        ("Ada B-PER\nmet I-LOC\nx O\n", "line 2: I-LOC begins nothing.*break BIO .guessed"),
        ("Ada B-PER\n\nmet E-PER\nx O\nz S-LOC", "line 1: B-PER must go on.*line 3: .*IOBES"),
    ],
)
def test_what_is_wrong_is_named_by_its_line(
    written: Callable[..., Path], text: str, told: str
) -> None:
    with pytest.raises(DataError, match=told):
        read_conll(written(text))


def test_faults_are_repaired_and_counted_where_asked(written: Callable[..., Path]) -> None:
    path = written("Ada O\nmet I-LOC\nx I-LOC\ny B-LOC\n\nz I-PER\n")
    with pytest.raises(DataError, match=r"line 2: .*line 6"):
        read_conll(path, Conll(scheme="bio"))
    found = read_conll(path, Conll(scheme="bio", repair=True))
    assert found.corpus.tags == (("O", "B-LOC", "I-LOC", "B-LOC"), ("B-PER",))
    assert found.notes == ("some.conll: 2 tags break BIO and were repaired",)


def test_encodings(written: Callable[..., Path], tmp_path: Path) -> None:
    path = written("Ada O\nZoë O\n", "latin-1")
    with pytest.raises(DataError, match=r"line 2: byte 0xeb \(offset 8\) is not utf-8"):
        read_conll(path)
    assert read_conll(path, Conll(encoding="latin-1")).corpus.tokens == (("Ada", "Zoë"),)
    with pytest.raises(ArgumentError, match="no such encoding"):
        Conll(encoding="latin1x")
    with pytest.raises(ArgumentError, match="did you mean"):
        Conll(scheme="biou")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="cannot be read"):
        read_conll(tmp_path / "none.conll")
    with pytest.raises(ArgumentError, match="has 2 columns"):
        read_conll(path, Conll(encoding="latin-1", tag=5))
