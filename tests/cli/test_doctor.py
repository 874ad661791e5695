"""What ``longshort doctor`` says of the compiled CPU engine."""

from __future__ import annotations

import re

import pytest
import torch

from longshort.cli.doctor import doctor
from longshort.kernels import cpu


def test_a_compiled_engine_is_named_with_its_instruction_sets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cpu, "AVAILABLE", True)
    monkeypatch.setattr(cpu, "isa", lambda: "avx2")
    monkeypatch.setattr(cpu, "isas", lambda: ("avx2", "baseline"))
    doctor()
    row = re.search(r"^CPU engine +(.*)$", capsys.readouterr().out, re.MULTILINE)
    assert row
    assert "uses avx2 (this machine runs avx2, baseline)" in row[1]
    assert row[1].endswith(f"threads: {torch.get_num_threads()}")


def test_a_missing_engine_is_said_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cpu, "AVAILABLE", False)
    monkeypatch.setattr(cpu, "MISSING", "not compiled: install a C++ compiler")
    doctor()
    assert "CPU engine    not compiled: install a C++ compiler\n" in capsys.readouterr().out
