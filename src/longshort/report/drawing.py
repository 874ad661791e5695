"""A chart as text that can stand inside a page: no script, no link, no outside font."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from typing import Any

import altair as alt
import vl_convert

_NAMESPACE = "{http://www.w3.org/2000/svg}"
# what XML cannot hold, though a file's header can; the renderer ends the process at one of them
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
# said once on the root; repeated on every mark they would be most of the text
_DROPPED = ("role", "class", "pointer-events")


def printable(words: str) -> str:
    """Words with every character that no page can show replaced by the replacement character."""
    return _UNPRINTABLE.sub("\ufffd", words)


def svg(chart: alt.TopLevelMixin, name: str = "chart") -> str:
    """Render a chart to one inline ``<svg>`` element.

    Text stays text, set in the page's own font. The chart's ``description`` becomes the
    element's label for readers who do not see it. Ids inside start with ``name``, which must be
    unique on a page (letters, digits and hyphens).
    """
    # each part was checked when it was made
    spec: dict[str, Any] = _printed(chart.to_dict(validate=False))
    version = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])
    text = vl_convert.vegalite_to_svg(spec, vl_version=version, allowed_base_urls=[])
    root = ElementTree.fromstring(text)
    _tidy(root, name)
    width, height = root.attrib.pop("width"), root.attrib.pop("height")
    root.attrib = {
        "viewBox": root.attrib.get("viewBox", f"0 0 {width} {height}"),
        "role": "img",
        "aria-label": str(spec.get("description", "")),
        "style": f"max-width:{width}px",
    }
    return ElementTree.tostring(root, encoding="unicode")


def _printed(spec: dict[str, Any]) -> dict[str, Any]:
    """The specification with printable text only, in the rows that it carries too."""
    rows = {name: json.loads(text) for name, text in spec.get("datasets", {}).items()}
    clean: dict[str, Any] = _all_printable({**spec, "datasets": rows})
    clean["datasets"] = {name: json.dumps(found) for name, found in clean["datasets"].items()}
    return clean


def _all_printable(part: Any) -> Any:
    if isinstance(part, str):
        return printable(part)
    if isinstance(part, dict):
        return {printable(key): _all_printable(value) for key, value in part.items()}
    if isinstance(part, list):
        return [_all_printable(value) for value in part]
    return part


def _tidy(root: ElementTree.Element, name: str) -> None:
    """Shorten what is repeated, and give ids that depend on the chart alone.

    The renderer numbers clip paths on from the chart before, so the same chart gets other ids
    each time.
    """
    ids = {
        element.attrib["id"]: f"{name}-{i}"
        for i, element in enumerate(e for e in root.iter() if "id" in e.attrib)
    }
    for element in root.iter():
        element.tag = element.tag.removeprefix(_NAMESPACE)
        for key, value in list(element.attrib.items()):
            if key in _DROPPED or key.startswith("aria-"):
                del element.attrib[key]
            elif key == "id":
                element.attrib[key] = ids[value]
            elif "url(#" in value:
                element.attrib[key] = _REFERENCE.sub(lambda m: f"url(#{ids[m[1]]})", value)
    for parent in list(root.iter()):
        for child in list(parent):
            empty = child.tag == "path" and child.get("d", "") in ("", "M0,0h0v0h0Z")
            if empty and not len(child):
                parent.remove(child)
