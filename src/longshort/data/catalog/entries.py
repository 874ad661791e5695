"""The sets there are: each with its package, the paths inside, a digest, licence and citation."""

from __future__ import annotations

import ast
import csv
import gzip
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from longshort.errors import ArgumentError, DataError, suggest

# what is read, by path, and what is written, by path below the user's folder
Made = dict[str, bytes]
Make = Callable[[Mapping[str, bytes]], Made]


@dataclass(frozen=True)
class Entry:
    """A set of real data.

    Args:
        name: what the user calls it.
        about: one line.
        package: the wheel that it stands in, "aeon==1.6.0"; None where the user must have it.
        inside: the ends of its paths in there, as a shell's patterns.
        sha256: of the bytes of these files, one after the other in the order of their paths.
        licence, citation: of the data.
        make: what is written of these files.
        wheel: arguments that choose one wheel for every machine, where a package has several.
        source: where the user finds it, without a package.
        use: a command that learns from what was written, below the folder that it is in.
        debian: instead of a wheel the packages of Debian and Ubuntu that it stands in.
    """

    name: str
    about: str
    package: str | None
    inside: tuple[str, ...]
    sha256: str
    licence: str
    citation: str
    make: Make
    wheel: tuple[str, ...] = ()
    source: str = ""
    use: str = ""
    debian: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """The packages that it stands in, or how to give what the user has."""
        return self.package or ", ".join(self.debian) or "--from PATH"


def find(name: str) -> Entry:
    """The entry of that name, in any case of letters.

    Raises:
        ArgumentError: there is none; the nearest name is suggested.
    """
    for entry in ENTRIES:
        if entry.name.lower() == name.lower():
            return entry
    raise ArgumentError(f"there is no set {name!r}: {suggest(name, [e.name for e in ENTRIES])}")


def _table(name: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> Made:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return {name: text.getvalue().encode()}


def _only(files: Mapping[str, bytes]) -> str:
    (content,) = files.values()
    return content.decode()


def _seattle(files: Mapping[str, bytes]) -> Made:
    # the column of kinds of weather is left out: it does not agree with the measurements
    header, *rows = csv.reader(io.StringIO(_only(files)))
    told = [[row[0].replace("/", "-"), *row[1:5]] for row in rows]
    return _table("seattle-weather.csv", header[:5], told)


def _passengers(files: Mapping[str, bytes]) -> Made:
    _, *rows = csv.reader(io.StringIO(_only(files)))
    return _table("airpassengers.csv", ["month", "passengers"], [row for row in rows if row])


def _taylor(files: Mapping[str, bytes]) -> Made:
    """The longest list of numbers in a source file, which is read and not run."""
    lists = [node for node in ast.walk(ast.parse(_only(files))) if isinstance(node, ast.List)]
    numbers = ast.literal_eval(max(lists, key=lambda node: len(node.elts)))
    first = datetime(2000, 6, 5)
    times = [first + timedelta(minutes=30) * n for n in range(len(numbers))]
    rows = [[time.isoformat(timespec="minutes"), n] for time, n in zip(times, numbers, strict=True)]
    return _table("taylor.csv", ["time", "demand"], rows)


def _covid(files: Mapping[str, bytes]) -> Made:
    rows = []
    first = date(2020, 1, 9)
    lines = [
        line
        # the training part first, as the archive counts countries
        for name in sorted(files, reverse=True)
        for line in files[name].decode().splitlines()
        if line and line[0] not in "#@"
    ]
    for country, line in enumerate(lines):
        cases = line.split(":")[0].split(",")
        days = [(first + timedelta(days=day)).isoformat() for day in range(len(cases))]
        rows += [[f"{country:03d}", d, float(n)] for d, n in zip(days, cases, strict=True)]
    return _table("covid.csv", ["country", "day", "cases"], rows)


def _tweets(files: Mapping[str, bytes]) -> Made:
    """Three classes of the mean rating of people, from -4 to 4."""
    rows = []
    for line in _only(files).replace("\r\n", "\n").split("\n"):
        parts = line.split("\t", 2)
        if len(parts) == 3:
            rating = float(parts[1])
            label = "positive" if rating >= 0.5 else "negative" if rating <= -0.5 else "neutral"
            rows.append([parts[2], label, parts[1]])
    return _table("tweets.csv", ["text", "label", "rating"], rows)


def _below(folder: str) -> Make:
    """The files as they are, in a folder."""

    def make(files: Mapping[str, bytes]) -> Made:
        found = {f"{folder}/{name.rpartition('/')[2]}": raw for name, raw in files.items()}
        if len(found) != len(files):
            raise DataError(f"{folder}: two files have the same name")
        return found

    return make


# what is said of a sound that is no speech, or is not said at all
_ASIDE = re.compile(r"\[[^]]*\]|\([^)]*\)")


def _prompts(files: Mapping[str, bytes]) -> Made:
    """Sounds, and a table of what is said in each; those in which nothing is said are left out."""
    sounds = {
        name.rpartition("en_US_f_Allison/")[2].removesuffix(".wav"): content
        for name, content in files.items()
        if name.endswith(".wav")
    }
    (packed,) = (content for name, content in files.items() if name.endswith(".gz"))
    told = {}
    for line in gzip.decompress(packed).decode().splitlines():
        name, _, words = line.partition(":")
        said = " ".join(_ASIDE.sub(" ", words).split())
        if name in sounds and any(map(str.isalnum, said)):
            told[name] = said
    # names of folders are those of words, letters and digits, and their files have unlike names
    flat = {name: name.replace("/", "-") + ".wav" for name in told}
    made = {f"prompts/{flat[name]}": sounds[name] for name in told}
    table = "".join(f"{flat[name]}\t{said}\n" for name, said in told.items())
    return made | {"prompts/prompts.tsv": f"path\ttext\n{table}".encode()}


def _ucr(name: str, about: str, sha256: str, citation: str) -> Entry:
    return Entry(
        name,
        about,
        "aeon==1.6.0",
        (f"{name}/{name}_TRAIN.ts", f"{name}/{name}_TEST.ts"),
        sha256,
        "none stated; published for research",
        citation,
        _below(name),
        use=f"longshort fit classify {name}",
    )


_ARCHIVE = "Dau et al. (2019), The UCR Time Series Archive, IEEE/CAA Journal of Automatica Sinica"

ENTRIES: tuple[Entry, ...] = (
    Entry(
        "seattle-weather",
        "daily weather of Seattle, 2012 to 2015",
        "vega_datasets==0.9.0",
        ("vega_datasets/_data/seattle-weather.csv",),
        "62f0609f787158128aa2bd102967173a4953122dd4f872bf1d502cae1037df0b",
        "public domain (a work of the government of the United States)",
        "NOAA National Climatic Data Center, Global Historical Climatology Network",
        _seattle,
        use="longshort fit forecast seattle-weather.csv --time date --target temp_max --horizon 7",
    ),
    Entry(
        "airpassengers",
        "airline passengers by the month, 1949 to 1960, in thousands",
        "aeon==1.6.0",
        ("Airline/Airline.csv",),
        "28af0eb869db6d9fbd31d5af03993a0cbf36c0857c3eb046a068c094b60da851",
        "none stated; a series of 144 published numbers",
        "Box and Jenkins (1970), Time Series Analysis: Forecasting and Control, series G",
        _passengers,
        use="longshort fit forecast airpassengers.csv --time month --target passengers "
        "--horizon 12",
    ),
    Entry(
        "taylor",
        "electricity demand of England and Wales by the half-hour, 12 weeks of 2000, in megawatts",
        "pmdarima==2.1.1",
        ("pmdarima/datasets/taylor.py",),
        "3df2f44f654bfe4338ea39350912140c9710fa776270f50a2529b2f5c87a4e19",
        "none stated; given by its author for the package forecast of R",
        "Taylor (2003), Short-term electricity demand forecasting using double seasonal "
        "exponential smoothing, Journal of the Operational Research Society 54",
        _taylor,
        (
            "--python-version",
            "3.11",
            "--implementation",
            "cp",
            "--platform",
            "manylinux2014_x86_64",
        ),
        use="longshort fit forecast taylor.csv --time time --target demand --horizon 48",
    ),
    _ucr(
        "GunPoint",
        "a hand that draws a gun or points a finger: 50 + 150 series of 150 steps, 2 classes",
        "536c92702eab39468e87e37c141a3d4ec3f128ec77ecdfc7d4f8a66e03d725a0",
        f"Ratanamahatana and Keogh (2005), SIAM Data Mining; {_ARCHIVE}",
    ),
    _ucr(
        "ArrowHead",
        "outlines of arrowheads: 36 + 175 series of 251 steps, 3 classes",
        "96e31c7d2c99730a1fe4dea24db21f83bc16dc72ff93c268d1ffb3a6872a004b",
        f"Ye and Keogh (2009), Time series shapelets, KDD; {_ARCHIVE}",
    ),
    _ucr(
        "ItalyPowerDemand",
        "a day's demand in summer or winter: 67 + 1,029 series of 24 steps, 2 classes",
        "c96ef6dd978ebf8eed1004c1b6da18897978ab46c0d22577926cf96b30b8b387",
        f"Keogh et al. (2006), Intelligent icons, ICDM; {_ARCHIVE}",
    ),
    _ucr(
        "BasicMotions",
        "a watch's six channels at four activities: 40 + 40 series of 100 steps",
        "c44d7f3e85a975926e1614b2ceff60a592e9a498f5649fd4b39b47b55225f580",
        "Bagnall et al. (2018), The UEA multivariate time series classification archive",
    ),
    Entry(
        "Covid3Month",
        "cases of 201 countries by the day, 84 days to April 2020",
        "aeon==1.6.0",
        ("Covid3Month/Covid3Month_TRAIN.ts", "Covid3Month/Covid3Month_TEST.ts"),
        "84a98b1443ec8f0656299163e848ae0a1eb5acf4f2d55a6fd115863c63e2df67",
        "CC BY 4.0",
        "Tan et al. (2021), Time series extrinsic regression, Data Mining and Knowledge Discovery",
        _covid,
        use="longshort fit forecast covid.csv --time day --group country --target cases "
        "--horizon 7",
    ),
    Entry(
        "bach-chorales",
        "408 chorales and movements of J. S. Bach as MusicXML",
        "music21==10.5.1",
        ("music21/corpus/bach/bwv*.mxl",),
        "87429068def74476fd29f1fd561691890f16a3a0d75a6ce268d9383164f4c538",
        "the music is in the public domain; its encodings are given with music21's corpus, whose "
        "license.txt some of them add to",
        "Cuthbert and Ariza (2010), music21: A toolkit for computer-aided musicology, ISMIR",
        _below("bach-chorales"),
    ),
    Entry(
        "tweets",
        "4,200 tweets, positive, neutral or negative by the mean rating of people",
        None,
        ("tweets_GroundTruth.txt",),
        "dfbe7102e2f92579ed8b19df9a3822491880697c67adf712fb66e520cc05102f",
        "MIT",
        "Hutto and Gilbert (2014), VADER: A parsimonious rule-based model for sentiment analysis "
        "of social media text, ICWSM",
        _tweets,
        source="the source archive vaderSentiment-3.3.2.tar.gz on the Python package index",
        use="longshort fit classify tweets.csv --text text --label label",
    ),
    Entry(
        "prompts",
        "553 spoken prompts of a telephone exchange with what is said, one English speaker",
        None,
        ("sounds/en_US_f_Allison/*.wav", "core-sounds-en.txt.gz"),
        "2e940dbf3af5d26f8a1d6b10fa31094e58778e82a86175e2c608951d15a13cff",
        "CC BY-SA 3.0",
        "Allison Smith (2003-2010), core sounds of the telephone exchange Asterisk",
        _prompts,
        source="the packages asterisk-core-sounds-en and asterisk-core-sounds-en-wav of Debian or "
        "Ubuntu in one folder",
        use="longshort fit transcribe prompts/prompts.tsv --seconds 80 --case lower "
        "--punctuation drop --language ngrams",
        debian=("asterisk-core-sounds-en", "asterisk-core-sounds-en-wav"),
    ),
)
