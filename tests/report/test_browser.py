"""The page as a reader meets it: in a browser, at two widths, light and dark, without a network."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from longshort.records import Comparison, Evaluation
from longshort.report import comparison_page, page
from longshort.report.anomalies.document import anomaly_page
from longshort.report.labels.document import label_page

from .anomalies.conftest import labelled_record
from .labels.conftest import entity_record, gesture_record, review_record

pytestmark = pytest.mark.slow

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WIDTHS, SCHEMES = (360, 1280), ("light", "dark")
# pages of labels and of anomalies, and how many charts each has
LABELS: dict[str, tuple[Any, Any, int]] = {
    "texts": (label_page, review_record, 2),
    "series": (label_page, gesture_record, 3),
    "entities": (label_page, entity_record, 1),
    "anomalies": (anomaly_page, labelled_record, 5),
}
# WCAG 2.2, 1.4.3
TEXT = 4.5

# what text there is, in which colour on which ground, and what the page's outline is
LOOK = """() => {
  for (const part of document.querySelectorAll('details')) part.open = true;
  const rgb = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const ground = element => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      const found = rgb(getComputedStyle(e).backgroundColor);
      if (found.length === 3 || found[3] > 0) layers.unshift(found);
      if (found.length === 3) break;
    }
    return layers.reduce((below, [r, g, b, a = 1]) =>
      [r, g, b].map((part, at) => a * part + (1 - a) * below[at]), [255, 255, 255]);
  };
  const shown = element => element.checkVisibility() && element.getBoundingClientRect().width > 1;
  const texts = [];
  for (const element of document.querySelectorAll('body *')) {
    const style = getComputedStyle(element);
    const own = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    const drawn = element instanceof SVGElement;
    if (!shown(element)) continue;
    const size = parseFloat(style.fontSize), name = element.textContent.trim().slice(0, 40);
    const colour = rgb(drawn ? style.fill : style.color);
    if (own) texts.push({ name, size, colour: colour.slice(0, 3), drawn,
                      ground: ground(element) });
  }
  const charts = [...document.querySelectorAll('svg')].filter(shown).map(svg => ({
    role: svg.getAttribute('role'), label: svg.getAttribute('aria-label') || '',
    caption: (svg.closest('figure')?.querySelector('figcaption')?.textContent || ''),
    width: svg.getBoundingClientRect().width }));
  const headings = [...document.querySelectorAll('h1, h2, h3, h4')].map(h => +h.tagName[1]);
  const outside = [...document.querySelectorAll('body *')].filter(e => shown(e)
    && !e.closest('.scroll') && e.getBoundingClientRect().right > innerWidth + 1);
  const regions = [...document.querySelectorAll('.scroll')].map(e => ({
    label: e.getAttribute('aria-label'), focus: e.tabIndex,
    cut: e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX === 'visible' }));
  return { texts, charts, headings, regions,
    outside: outside.map(e => e.outerHTML.slice(0, 90)),
    wide: document.documentElement.scrollWidth, inner: innerWidth,
    title: document.title, lang: document.documentElement.lang,
    dark: getComputedStyle(document.body).backgroundColor };
}"""


def luminance(colour: list[float]) -> float:
    """Relative luminance of an sRGB colour, 0 to 1 (WCAG 2.2)."""
    parts = [part / 255 for part in colour]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: list[float], other: list[float]) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    if not CHROMIUM:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    if not importlib.util.find_spec("playwright"):
        pytest.skip("no Playwright: pip install playwright")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(chromium: Any, path: Path, width: int, scheme: str) -> Iterator[tuple[Any, list[str]]]:
    """A page in a fresh window, and everything that went wrong or was asked for meanwhile."""
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
    )
    try:
        shown, trouble = context.new_page(), []
        shown.on("console", lambda message: trouble.append(f"console: {message.text}"))
        shown.on("pageerror", lambda error: trouble.append(f"error: {error}"))
        shown.on("requestfailed", lambda request: trouble.append(f"failed: {request.url}"))
        shown.on("request", lambda r: trouble.append(f"asked: {r.url}") if r.url != uri else None)
        uri = path.as_uri()
        shown.goto(uri)
        yield shown, trouble
    finally:
        context.close()


@pytest.fixture(scope="module", params=["evaluation", "comparison", *LABELS])
def report(
    request: pytest.FixtureRequest,
    eventful: Evaluation,
    comparison: Comparison,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, int]:
    """A page, and how many charts it has."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    if request.param in LABELS:
        draw, made, drawn = LABELS[request.param]
        path.write_text(draw(made()), "utf-8")
        return path, drawn
    asked = request.param == "evaluation"
    path.write_text(page(eventful) if asked else comparison_page(comparison), "utf-8")
    return path, 9 if asked else 1


@pytest.fixture(
    scope="module", params=[(w, s) for w in WIDTHS for s in SCHEMES], ids=lambda p: f"{p[0]}-{p[1]}"
)
def look(request: pytest.FixtureRequest, chromium: Any, report: tuple[Path, int]) -> dict[str, Any]:
    """The page measured at one width and in one scheme."""
    width, scheme = request.param
    path, drawn = report
    with opened(chromium, path, width, scheme) as (shown, trouble):
        found: dict[str, Any] = shown.evaluate(LOOK)
        return {**found, "trouble": trouble, "scheme": scheme, "drawn": drawn}


def test_nothing_goes_wrong_and_nothing_is_asked_for(look: dict[str, Any]) -> None:
    assert look["trouble"] == []


def test_the_page_never_scrolls_sideways(look: dict[str, Any]) -> None:
    assert look["wide"] == look["inner"]
    assert look["outside"] == []
    assert not any(region["cut"] for region in look["regions"])


def test_wide_tables_scroll_by_finger_and_by_keyboard(look: dict[str, Any]) -> None:
    assert all(region["label"] and region["focus"] == 0 for region in look["regions"])


def test_it_follows_the_readers_scheme(look: dict[str, Any]) -> None:
    ground = [float(part) for part in look["dark"].removeprefix("rgb(").rstrip(")").split(",")]
    assert (luminance(ground) < 0.1) == (look["scheme"] == "dark")
    grounds = {tuple(text["ground"]) for text in look["texts"]}
    # in the dark no part of it is left bright
    assert look["scheme"] == "light" or all(luminance(list(g)) < 0.1 for g in grounds)


def test_every_text_can_be_read(look: dict[str, Any]) -> None:
    assert len(look["texts"]) > 100 + 30 * look["drawn"]
    assert sum(text["drawn"] for text in look["texts"]) > 10 * look["drawn"]
    faint = [t for t in look["texts"] if contrast(t["colour"], t["ground"]) < TEXT]
    assert faint == []
    assert min(text["size"] for text in look["texts"]) >= 10


def test_every_chart_says_in_words_what_it_shows(look: dict[str, Any]) -> None:
    assert len(look["charts"]) == look["drawn"]
    for chart in look["charts"]:
        assert chart["role"] == "img"
        assert len(chart["label"]) > 40
        assert len(chart["caption"]) > 20
        assert chart["width"] > 250


def test_headings_stand_in_order(look: dict[str, Any]) -> None:
    levels = look["headings"]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_title_and_language_are_set(look: dict[str, Any]) -> None:
    sources = ("seattle-weather.csv", "reviews.csv", "gestures", "test.conll", "pumps.csv")
    assert look["title"].endswith(tuple(f" · {source}" for source in sources))
    assert look["lang"] == "en"


def test_hostile_names_run_nothing(chromium: Any, evaluation: Evaluation, tmp_path: Path) -> None:
    evil = "</style><script>document.title='taken'</script><img src=x onerror=alert(1)>"
    record = replace(evaluation, verdict=evil, notes=(evil,), settings={evil: evil}, steps=())
    path = tmp_path / "evil.html"
    path.write_text(page(replace(record, forecasts=(), reliability=())), "utf-8")
    with opened(chromium, path, 1280, "light") as (shown, trouble):
        assert "taken" not in shown.title()
        assert evil in shown.text_content("body")
        assert trouble == []
