"""What is written of each set's files."""

from __future__ import annotations

import gzip

from longshort.data.catalog.entries import find


def test_tables_are_written_as_they_are_used() -> None:
    weather = (
        b"date,precipitation,temp_max,temp_min,wind,weather\n2012/01/01,0.0,12.8,5.0,4.7,rain\n"
    )
    assert find("seattle-weather").make({"a": weather}) == {
        "seattle-weather.csv": b"date,precipitation,temp_max,temp_min,wind\n"
        b"2012-01-01,0.0,12.8,5.0,4.7\n"
    }
    code = b"import os\nos.remove('x')\nname = ['a']\nvalues = [22262, 21756, 22247.5]\n"
    assert find("taylor").make({"a": code}) == {
        "taylor.csv": b"time,demand\n2000-06-05T00:00,22262\n2000-06-05T00:30,21756\n"
        b"2000-06-05T01:00,22247.5\n"
    }
    parts = {"C_TEST.ts": b"@data\n3,4:0.5\n", "C_TRAIN.ts": b"#a\n@data\n1,2.5:0.1\n"}
    assert find("Covid3Month").make(parts)["covid.csv"].splitlines()[1:] == [
        b"000,2020-01-09,1.0", b"000,2020-01-10,2.5", b"001,2020-01-09,3.0", b"001,2020-01-10,4.0"
    ]  # fmt: skip


def test_tweets_have_three_classes() -> None:
    raw = b'1\t0.5\tgood, "so"\r\n2\t-0.5\tbad\n3\t0.49\tso so\n'
    assert find("tweets").make({"a": raw})["tweets.csv"] == (
        b'text,label,rating\n"good, ""so""",positive,0.5\nbad,negative,-0.5\nso so,neutral,0.49\n'
    )


def test_prompts_are_what_is_said() -> None:
    text = (
        b"; Core\n\ndigits/1: one\nbeep: [a beep]\ndot: dot [.]\ngone: Gone.\nhi: Say: hi.  Now!\n"
    )
    sounds = {
        f"sounds/en_US_f_Allison/{n}.wav": n.encode() for n in ("digits/1", "beep", "dot", "hi")
    }
    made = find("prompts").make({**sounds, "doc/core-sounds-en.txt.gz": gzip.compress(text)})
    assert made == {
        "prompts/digits-1.wav": b"digits/1",
        "prompts/dot.wav": b"dot",
        "prompts/hi.wav": b"hi",
        "prompts/prompts.tsv": b"path\ttext\ndigits-1.wav\tone\ndot.wav\tdot\n"
        b"hi.wav\tSay: hi. Now!\n",
    }
