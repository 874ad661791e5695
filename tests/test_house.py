"""The house itself: import order, public names, a light import, and documents that do not drift."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import longshort

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "longshort"
# packages' own files hold no code but public names
FILES = sorted(path for path in SOURCE.rglob("*.py") if path.name != "__init__.py")

# the river, in the order the data meet its rooms; "x/" is every file of a folder
ORDER = [
    "errors", "records/written", "records/training", "records/explanation",
    "records/evaluation", "records/", "contracts", "metrics/", "artifact", "checkpoint",
    "data/steps", "data/clock", "data/sequences", "data/corpus", "data/stretch",
    "data/splits", "data/partition", "data/horizon", "data/codecs/",
    "data/sources/", "data/sampler",
    "data/layout", "data/arrival", "data/encoding", "data/window", "data/windows", "data/items",
    "data/chunks", "data/augment", "data/readings/",
    "data/synthetic", "data/catalog/",
    "kernels/reference/tensors", "kernels/reference/unroll", "kernels/reference/gates",
    "kernels/reference/lstm", "kernels/reference/slstm", "kernels/reference/gru",
    "kernels/reference/rnn", "kernels/reference/cells", "kernels/memory", "kernels/fused",
    "kernels/problem", "kernels/cpu", "kernels/plan", "kernels/operators", "kernels/dispatch",
    "layers/masks", "layers/parameters", "layers/initial", "layers/regularise", "layers/convert",
    "layers/settings", "layers/arguments", "layers/trace", "layers/inference", "layers/stream",
    "layers/summary", "layers/stack",
    "layers/recurrent", "layers/cells", "layers/characters", "layers/decay",
    "layers/attention", "layers/softmax", "layers/scenes",
    "layers/embed", "layers/lookup", "layers/spelled", "layers/stem", "layers/channels",
    "layers/encoder", "layers/bothways", "layers/elmo", "layers/pretrained",
    "layers/transformer", "layers/pool",
    "rollout", "search", "beams",
    "heads/base", "heads/distributions", "heads/real", "heads/", "model", "recursive",
    "training/layers", "training/averaging",
    "training/settings", "training/seeds", "training/ranks", "training/parts", "training/loss",
    "training/snapshot", "training/loop", "yardsticks/base", "yardsticks/verdict",
    "yardsticks/", "evaluate/", "explain/", "report/",
    "tasks/device", "tasks/standing", "tasks/ensemble", "tasks/stored", "tasks/transfer",
    "tasks/scikit",
    "tasks/base", "tasks/labels/", "tasks/text/", "tasks/transcripts/", "tasks/streams/",
    "tasks/translations/", "tasks/encoding", "tasks/network", "tasks/paths", "tasks/learned",
    "tasks/anomalies/", "tasks/", "stream", "tuning/space",
    "tuning/",
    "cli/", "__main__",
]  # fmt: skip


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).with_suffix("").as_posix()


def rank(name: str) -> int:
    exact = [at for at, room in enumerate(ORDER) if room == name]
    folders = [at for at, room in enumerate(ORDER) if room.endswith("/") and name.startswith(room)]
    assert exact or folders, f"{name} has no place on the river"
    return (exact or folders)[0]


def imports_of(path: Path) -> set[str]:
    """Rooms of ours that a file imports anywhere, lazily too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        modules = []
        if isinstance(node, ast.ImportFrom) and node.module:
            modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        for module in modules:
            inner = module.removeprefix("longshort").replace(".", "/").strip("/")
            if module.startswith("longshort.") and (SOURCE / f"{inner}.py").exists():
                found.add(inner)
    return found


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_imports_only_from_above(path: Path) -> None:
    own = rank(name_of(path))
    for other in imports_of(path):
        assert rank(other) <= own, f"{name_of(path)} imports {other}, which stands below it"


def test_no_two_files_import_each_other() -> None:
    graph = {name_of(path): imports_of(path) for path in FILES}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"a circle: {' -> '.join([*trail, name])}"
        if name not in done:
            for other in graph.get(name, ()):
                visit(other, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_and_functions_stay_short(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= 450
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno is not None
            # what a docstring says of arguments and errors does not make a function longer
            lines = node.end_lineno - node.lineno - len((ast.get_docstring(node) or "").split("\n"))
            limit = 130 if path.parts[-2] == "cli" else 60
            assert lines <= limit, f"{node.name} has {lines} lines"


def test_no_recurrence_but_ours() -> None:
    for path in FILES:
        tree = ast.parse(path.read_text())
        used = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        borrowed = {
            f"{place}.{cell}" for place in ("nn", "torch.nn") for cell in ("LSTM", "GRU", "RNN")
        }
        assert not used & borrowed, path


def test_no_random_masks_but_ours() -> None:
    """Torch's own depend on how a batch is cut and on who draws."""
    for path in FILES:
        names = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Attribute)]
        used = {ast.unparse(name) for name in names}
        assert not {name for name in used if "ropout" in name and "functional" in name}, path
        assert not {name for name in used if name.startswith(("nn.Dropout", "torch.dropout"))}, path


def test_public_names_are_exactly_these() -> None:
    assert longshort.__all__ == [
        "GRU", "LSTM", "RNN", "AnomalyDetector", "Arrival", "Augment", "Beam", "Category",
        "Chunking", "Classifier", "Columns", "Corpus", "Ctc", "Decoder", "Documents", "Evaluation",
        "Faults", "Forecaster", "GRUCell", "LSTMCell", "LanguageModel", "LongshortError", "Next",
        "Notation", "Partition", "Pretrained", "RNNCell", "Recorded", "Recurrent", "Roles",
        "Scaling", "Scenes", "Scores", "SeriesModel", "Session", "Shares", "Signal", "Sound",
        "Spelling", "Split", "Surprise", "Tagger", "Text", "Threshold", "Tokens", "Training",
        "Transcriber", "Translation", "Translator", "Window", "backtest", "compare", "engine",
        "lint", "load", "tune",
    ]  # fmt: skip
    for name in longshort.__all__:
        assert getattr(longshort, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'lstm'"):
        _ = longshort.lstm


def loaded_after(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_importing_is_light() -> None:
    modules = loaded_after("import longshort")
    assert not modules & {"torch", "numpy", "polars", "sklearn", "altair", "pydantic"}
    assert {name for name in modules if name.startswith("longshort")} == {"longshort"}


def test_the_layer_brings_only_torch_and_the_recurrence() -> None:
    modules = loaded_after("import longshort; longshort.LSTM")
    ours = {name for name in modules if name.startswith("longshort.")}
    assert all(name.startswith(("longshort.kernels", "longshort.layers")) for name in ours), ours
    assert not modules & {"polars", "sklearn", "altair", "pydantic", "narwhals"}


def test_importing_changes_nothing_global() -> None:
    code = (
        "import torch; before = torch.get_rng_state(), torch.get_num_threads()\n"
        "import longshort; [getattr(longshort, name) for name in longshort.__all__]\n"
        "assert torch.equal(before[0], torch.get_rng_state())\n"
        "assert before[1] == torch.get_num_threads()"
    )
    loaded_after(code)


def test_the_tree_in_the_documents_is_the_tree() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    block = text.split("## The tree")[1].split("```")[1]
    written = []
    folders: list[str] = []
    for line in block.strip().splitlines()[1:]:
        depth, name = (len(line) - len(line.lstrip())) // 2 - 1, line.split()[0]
        folders = folders[:depth]
        if name.endswith("/"):
            folders.append(name)
        else:
            written.append("".join(folders) + name)
    real = [p.relative_to(SOURCE).as_posix() for p in FILES]
    assert sorted(written) == sorted(real)
    places = [rank(name.removesuffix(".py")) for name in written]
    assert places == sorted(places), "the tree stands in the river's order"


def readme_blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def test_the_readmes_first_command_is_what_make_runs() -> None:
    makefile = (ROOT / "Makefile").read_text()
    readme = (ROOT / "README.md").read_text()

    def plain(text: str) -> str:
        return " ".join(text.replace("\\\n", " ").split())

    command = re.search(r"^    longshort fit forecast (?:.*\\\n)*.*$", readme, re.MULTILINE)
    assert command
    assert plain(command[0]) in plain(makefile.replace("$(BIN)/", ""))
    for target in re.findall(r"^    make (\w+)", readme, re.MULTILINE):
        assert f"\n{target}:" in makefile


def test_the_readme_names_every_command_and_every_file_it_links() -> None:
    from longshort.cli.app import app

    readme = (ROOT / "README.md").read_text()
    commands = [command.name for command in app.registered_commands]
    groups = [
        f"{g.name} {c.name}"
        for g in app.registered_groups
        for c in g.typer_instance.registered_commands
    ]
    for command in [*commands, *groups]:
        assert f"`longshort {command}" in readme
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", readme):
        assert (ROOT / link).exists(), link


def test_version_and_changelog_agree() -> None:
    assert f"## {longshort.__version__}" in (ROOT / "CHANGELOG.md").read_text()
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())
    pinned = (ROOT / "constraints.txt").read_text().lower()
    for need in table["project"]["dependencies"]:
        name = re.split(r"[<>=]", need)[0]
        assert f"{name}==" in pinned, f"{name} is not pinned"
    # what compiles the engine is one version, with and without make
    for need in table["build-system"]["requires"]:
        assert f"\n{need}\n" in pinned
