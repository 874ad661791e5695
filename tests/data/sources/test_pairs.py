"""Pairs of sources and targets, from every kind of file."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from longshort.data.corpus import Corpus, Roles
from longshort.data.sources.pairs import MOST_WORDS, read_pairs
from longshort.errors import DataError, MissingDependencyError


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def test_lines_of_two_files_belong_together(tmp_path: Path) -> None:
    one = written(tmp_path, "a.en", "a dog\r\n\r\ncafe\u0301\nno\n")
    # a line separator inside of a line ends none
    two = written(tmp_path, "a.ja.gz", "犬\n空\nカ\u2028フェ\n\n")
    found = read_pairs((one, two), Roles())
    assert found.texts == ("a dog", "café")
    assert found.transcripts == ("犬", "カ\u2028フェ")
    assert found.lines is not None
    assert found.lines.tolist() == [1, 3]
    assert found.where(1) == "a.en and a.ja.gz, line 3"
    (note,) = found.notes
    assert note == (
        "2 of 4 pairs have an empty side and were left out, the first at a.en and a.ja.gz, line 2."
    )


def test_blank_lines_at_the_end_of_one_file_are_none(tmp_path: Path) -> None:
    files = written(tmp_path, "a.en", "x\ny\n\n\n"), written(tmp_path, "a.de", "u\nv")
    assert read_pairs(files, Roles()).transcripts == ("u", "v")


def test_unequal_files_tell_the_first_line_that_is_alone(tmp_path: Path) -> None:
    files = written(tmp_path, "a.en", "x\ny\n"), written(tmp_path, "a.de", "u\nv\nw\n")
    with pytest.raises(DataError, match=r"a\.de has 3 lines, and a\.en has 2: line 3 of a\.de"):
        read_pairs(files, Roles())
    (tmp_path / "a.en").write_bytes(b"x\n\xff\n")
    with pytest.raises(DataError, match=r"a\.en, line 2: byte 0xff is not UTF-8"):
        read_pairs(files, Roles())
    with pytest.raises(DataError, match="no targets; give two"):
        read_pairs(files[1], Roles())
    assert read_pairs(files[1], Roles(), required=False).texts == ("u", "v", "w")


def test_an_empty_file_of_two_is_named(tmp_path: Path) -> None:
    full, empty = tmp_path / "a.en", tmp_path / "a.ja"
    full.write_text("one\n")
    empty.write_text("\n")
    for pair in ((full, empty), (empty, full), (empty, empty)):
        with pytest.raises(DataError, match=r"a\.ja: the file is empty; give one with a text"):
            read_pairs(pair, Roles())


def test_a_sentence_of_ten_thousand_words_and_copies_are_told(tmp_path: Path) -> None:
    long = "word " * (2 * MOST_WORDS)
    path = written(
        tmp_path, "p.tsv", f"source\ttarget\none\teins\n{long}\tlang\nBerlin\tBerlin\n\tx\n"
    )
    found = read_pairs(path, Roles())
    assert found.texts == ("one", "Berlin")
    empty, longer, same = found.notes
    assert "p.tsv, line 5" in empty
    assert "1 of 4 pairs are longer than 5,000 words" in longer
    assert same.endswith("target that equals its source, the first at p.tsv, line 4.")
    with pytest.raises(DataError, match="no pair is left to learn from"):
        read_pairs(written(tmp_path, "q.tsv", "source\ttarget\n\t\n"), Roles())
    # to predict on nothing is left out
    assert len(read_pairs(path, Roles(), required=False)) == 4


@pytest.mark.parametrize("names", [("article", "summary"), ("src", "tgt"), ("document", "summary")])
def test_columns_are_known_by_their_names(names: tuple[str, str]) -> None:
    frame = pl.DataFrame({"id": ["7"], names[1]: ["short"], names[0]: ["long and longer"]})
    found = read_pairs(frame, Roles())
    assert found.texts == ("long and longer",)
    assert found.transcripts == ("short",)


def test_columns_that_are_named_and_the_only_two(tmp_path: Path) -> None:
    path = written(
        tmp_path, "p.jsonl",
        "\n".join(json.dumps({"id": 1, "en": "yes", "it": "sì", "part": p, "who": "w"})
                  for p in ("train", "test")),
    )  # fmt: skip
    roles = Roles(text="en", transcript="it", part="part", group="who")
    found = read_pairs(path, roles)
    assert found.transcripts == ("sì", "sì")
    assert found.parts == ("train", "test")
    assert found.groups == ("w", "w")
    two = read_pairs(pl.DataFrame({"en": ["yes"], "it": ["sì"]}), Roles())
    assert two.texts == ("yes",)
    assert "a data frame are read as source (en) and target (it); if these are" in two.notes[0]
    with pytest.raises(DataError, match="which columns are the source and its target"):
        read_pairs(pl.DataFrame({"en": ["yes"], "it": ["sì"], "fr": ["oui"]}), Roles())
    with pytest.raises(DataError, match=r"there is one column \(en\), and a pair takes two"):
        read_pairs(pl.DataFrame({"en": ["yes"]}), Roles())
    with pytest.raises(DataError, match="there is no column 'de' for target"):
        read_pairs(path, Roles(text="en", transcript="de"))
    bare = read_pairs(pl.DataFrame({"en": ["yes"]}), roles.set_params(part=None), required=False)
    assert bare.texts == ("yes",)
    assert bare.transcripts is None


def test_quotation_marks_of_sentences_are_no_marks_of_cells(tmp_path: Path) -> None:
    path = written(tmp_path, "p.tsv", 'source\ttarget\n"Go! he said\tGeh!\nsay "no"\tnein\n')
    assert read_pairs(path, Roles()).texts == ('"Go! he said', 'say "no"')


def test_lists_pairs_targets_beside_them_and_parts() -> None:
    assert read_pairs([("a", "b"), ("c", "d")], Roles()).transcripts == ("b", "d")
    assert read_pairs(["a", "c"], Roles(), ["b", "d"]).transcripts == ("b", "d")
    both = read_pairs({"train": [("a", "b")], "test": [("c", "d")]}, Roles())
    assert both.parts == ("train", "test")
    assert read_pairs("just a sentence", Roles(), required=False).texts == ("just a sentence",)
    assert read_pairs(("one", "two"), Roles(), required=False).texts == ("one", "two")
    with pytest.raises(DataError, match="has no targets; give y"):
        read_pairs(["a", "c"], Roles())
    with pytest.raises(DataError, match="1 targets for 2 sources"):
        read_pairs(["a", "c"], Roles(), ["b"])
    with pytest.raises(DataError, match="item 2: the target is 3"):
        read_pairs(["a", "c"], Roles(), ["b", 3])
    with pytest.raises(DataError, match=r"item 2 is .*give texts, or a source and its target"):
        read_pairs([("a", "b"), ("c",)], Roles())
    with pytest.raises(DataError, match="holds tokens"):
        read_pairs(Corpus("x", tokens=(("a",),)), Roles())


TMX = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4"><header srclang="en-GB" segtype="sentence"/><body>
<tu tuid="first"><tuv xml:lang="en-GB"><seg>A <bpt i="1">&lt;b></bpt>bold<ept i="1"/> <hi>word</hi>
 here</seg></tuv><tuv xml:lang="it"><seg>Una parola</seg></tuv></tu>
<tu><tuv xml:lang="en-GB"><seg>alone</seg></tuv></tu>
<tu><tuv xml:lang="it"><seg>Sì</seg></tuv><tuv xml:lang="en-GB"><seg>Yes</seg></tuv></tu>
</body></tmx>"""


def test_translation_memories(tmp_path: Path) -> None:
    path = written(tmp_path, "m.tmx", TMX)
    found = read_pairs(path, Roles())
    assert found.texts == ("A bold word here", "Yes")
    assert found.transcripts == ("Una parola", "Sì")
    assert found.where(0) == "m.tmx: 'first'"
    assert found.where(1) == "m.tmx: 'unit 3'"
    assert found.notes == ("1 units lack en-GB or it and were left out.",)
    turned = read_pairs(path, Roles(text="it", transcript="en"))
    assert turned.texts == ("Una parola", "Sì")
    with pytest.raises(DataError, match="no language 'fr' for the target"):
        read_pairs(path, Roles(transcript="fr"))
    wide = tmp_path / "w.tmx"
    wide.write_bytes(TMX.replace("UTF-8", "UTF-16").encode("utf-16"))
    assert read_pairs(wide, Roles()).transcripts == found.transcripts
    with pytest.raises(DataError, match=r"u\.tmx, line 1: unknown encoding"):
        read_pairs(written(tmp_path, "u.tmx", TMX.replace("UTF-8", "XTF-8")), Roles())
    third = '</tu>\n<tu><tuv xml:lang="de"><seg>x</seg></tuv></tu>'
    three = TMX.replace("</tu>", third, 1)
    with pytest.raises(DataError, match=r"which language is the target\? .* it, de"):
        read_pairs(written(tmp_path, "n.tmx", three), Roles())
    bomb = TMX.replace('"tmx14.dtd">', '"tmx14.dtd" [<!ENTITY a "aaa">]>')
    with pytest.raises(DataError, match="declares the entity 'a'"):
        read_pairs(written(tmp_path, "b.tmx", bomb), Roles())
    with pytest.raises(DataError, match=r"x\.tmx, line 2, column"):
        read_pairs(written(tmp_path, "x.tmx", "<tmx>\n<tu></tmx>"), Roles())


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    image = pytest.importorskip("PIL.Image")
    for name in ("cat", "dog", "hen"):
        image.new("RGB", (4, 4)).save(tmp_path / f"{name}.png")
    return tmp_path


def test_a_table_of_pictures_and_captions(pictures: Path) -> None:
    table = "image,caption\ncat.png,a cat\ncat.png,the cat\ndog.png,a dog\n"
    found = read_pairs(written(pictures, "c.csv", table), Roles())
    assert found.pictures == tuple(pictures / f"{name}.png" for name in ("cat", "cat", "dog"))
    assert found.transcripts == ("a cat", "the cat", "a dog")
    # captions of one picture stay together
    assert found.groups is not None
    assert len(set(found.groups)) == 2


def test_json_of_captions(pictures: Path) -> None:
    coco = {
        "images": [{"id": 7, "file_name": "cat.png"}, {"id": 9, "file_name": "dog.png"}],
        "annotations": [{"image_id": 9, "caption": "a dog "}, {"image_id": 7, "caption": "a cat"}],
    }
    found = read_pairs(written(pictures, "coco.json", json.dumps(coco)), Roles())
    assert found.pictures == (pictures / "dog.png", pictures / "cat.png")
    assert found.transcripts == ("a dog", "a cat")
    karpathy = {
        "images": [
            {"filename": "cat.png", "split": "restval", "sentences": [{"raw": "x"}, {"raw": "y"}]},
            {"filename": "dog.png", "split": "val", "sentences": [{"raw": "z"}]},
        ]
    }
    found = read_pairs(written(pictures, "k.json", json.dumps(karpathy)), Roles())
    assert found.parts == ("train", "train", "valid")
    assert found.transcripts == ("x", "y", "z")
    listed = [{"image": "cat.png", "caption": ["x", "y"]}]
    found = read_pairs(written(pictures, "l.json", json.dumps(listed)), Roles())
    assert found.transcripts == ("x", "y")
    assert found.groups is not None
    coco["annotations"].append({"image_id": 8, "caption": "?"})
    with pytest.raises(DataError, match=r"coco\.json: annotations\.2: image_id 8 is none"):
        read_pairs(written(pictures, "coco.json", json.dumps(coco)), Roles())
    with pytest.raises(DataError, match="holds neither COCO's captions"):
        read_pairs(written(pictures, "n.json", "{}"), Roles())


@pytest.mark.parametrize(
    "given",
    [
        [5],
        [{"image": "cat.png"}],
        [{"image": "a" * 300, "caption": "x"}],
        {"images": 5, "annotations": []},
        {"images": [], "annotations": 5},
        {"images": [{"id": [1]}], "annotations": []},
        {"images": [{"id": 1, "file_name": "cat.png"}], "annotations": [{"image_id": {}}]},
        {"images": [{"filename": "cat.png", "sentences": 5}]},
        {"images": [{"filename": "cat.png", "split": ["train"], "sentences": []}]},
        {"images": []},
    ],
)
def test_json_of_other_things_is_refused(given: object, pictures: Path) -> None:
    with pytest.raises(DataError, match=r"x\.json|aaa: there is no such file"):
        read_pairs(written(pictures, "x.json", json.dumps(given)), Roles())


def test_a_folder_of_pictures_with_texts_beside_them(pictures: Path) -> None:
    written(pictures, "cat.txt", "A cat.\nit.utf8=Un gatto.\nde.utf8=Eine Katze.\n")
    written(pictures, "dog.txt", "A dog.\n\nMan's friend.\n")
    found = read_pairs(pictures, Roles())
    assert found.transcripts == ("A cat.", "A dog.", "Man's friend.")
    assert found.names == ("cat.png", "dog.png", "dog.png")
    assert "1 pictures have no text beside them" in found.notes[0]
    assert read_pairs(pictures, Roles(transcript="it")).transcripts == ("Un gatto.",)


def test_unreadable_pictures_are_named_or_left_out(pictures: Path) -> None:
    (pictures / "dog.png").write_bytes(b"no picture")
    table = written(pictures, "c.csv", "image,caption\ncat.png,a cat\ndog.png,a dog\n")
    with pytest.raises(DataError, match=r"c\.csv, line 3: .*dog\.png: cannot be read as a pict"):
        read_pairs(table, Roles())
    found = read_pairs(table, Roles(skip_bad=True))
    assert found.transcripts == ("a cat",)
    assert "1 of 2 files could not be read" in found.notes[0]


def test_features_of_another_network(tmp_path: Path) -> None:
    np.save(tmp_path / "cat.npy", np.zeros((3, 5), np.float32))
    listed = written(tmp_path, "l.json", json.dumps([{"image": "cat.npy", "caption": "a cat"}]))
    assert read_pairs(listed, Roles()).pictures == (tmp_path / "cat.npy",)
    np.save(tmp_path / "cat.npy", np.array(["no numbers"]))
    with pytest.raises(DataError, match=r"cat\.npy: holds .* features are numbers"):
        read_pairs(listed, Roles())


def test_pictures_need_pillow(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = written(pictures, "c.csv", "image,caption\ncat.png,a cat\n")
    monkeypatch.setitem(__import__("sys").modules, "PIL.Image", None)
    with pytest.raises(MissingDependencyError, match=r"longshort\[images\]"):
        read_pairs(table, Roles())
