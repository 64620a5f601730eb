"""Pages that need nothing but themselves: our style and script, no network, every text as text."""

import base64
import hashlib
import re
from functools import cache
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters that an HTML file, or UTF-8, can't hold."""


def render_page(
    template: str, *, styles: tuple[str, ...], scripts: tuple[str, ...], **values: Any
) -> str:
    """Return a template of this folder as HTML, with style sheets and scripts of this folder inside.

    The template places css, script and policy (a Content-Security-Policy) beside the values.
    """
    css, script = ("\n".join(map(_file, names)) for names in (styles, scripts))
    html: str = (
        _environment()
        .get_template(template)
        .render(css=Markup(css), script=Markup(script), policy=_policy(css, script), **values)
    )
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", html.lstrip())


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("balsa_pipe.report", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _policy(css: str, script: str) -> str:
    """Return a Content-Security-Policy: our style, our script, data: sound, and no network."""
    return (
        "default-src 'none'; media-src data:; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src '{_csp_hash(css)}'; script-src '{_csp_hash(script)}'"
    )


def _csp_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _file(name: str) -> str:
    return resources.files("balsa_pipe.report").joinpath(name).read_text(encoding="utf-8")
