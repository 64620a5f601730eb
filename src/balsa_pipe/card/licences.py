"""Licences as corpora write them: their names on the hub, their addresses, what they forbid."""

import re

UNRECORDED = "licence not recorded"
"""What a clip's licence is called where its corpus gives none."""

_HUB = (
    ("cc0-1.0", r"cc-?0(-1\.0)?(-universal)?|publicdomain-zero(-1\.0)?|cc-zero"),
    *(
        (f"cc-{kind}-{version}", rf"cc-?{kind}-{re.escape(version)}(-international|-unported)?")
        for kind in ("by", "by-sa", "by-nc", "by-nd", "by-nc-sa", "by-nc-nd")
        for version in ("2.0", "2.5", "3.0", "4.0")
    ),
    ("mit", r"mit(-licen[cs]e)?|expat"),
    ("apache-2.0", r"apache(-licen[cs]e)?(-version)?-2(\.0)?"),
    ("bsd-2-clause", r"bsd-2-clause"),
    ("bsd-3-clause", r"bsd-3-clause"),
    ("gpl-2.0", r"gpl-2(\.0)?(-only|-or-later|\+)?"),
    ("gpl-3.0", r"gpl-3(\.0)?(-only|-or-later|\+)?"),
    ("lgpl-2.1", r"lgpl-2\.1(-only|-or-later|\+)?"),
    ("lgpl-3.0", r"lgpl-3(\.0)?(-only|-or-later|\+)?"),
)
_ON_THE_HUB = {"cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0",
               "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-3.0",
               "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0"}  # fmt: skip
_ADDRESS = re.compile(
    r"https?://(?:www\.)?creativecommons\.org/(licenses|publicdomain)/([a-z-]+)/(\d\.\d)(?:/.*)?"
)
_CAUTIONS = (
    (r"not recorded|not stated|unknown|unclear", "nobody says what it allows"),
    (r"\bnd\b|no ?deriv", "changed works may not be shared, and captions were rewritten"),
    (r"all rights reserved|no redistribution|not be (redistributed|shared)|proprietary",
     "it forbids passing on"),
    (r"\bnc\b|non-?commercial|academic|research (use|only)|sampling\+", "no commercial use"),
)  # fmt: skip


def hub_licence(licence: str) -> str | None:
    """Return the hub's identifier of a licence; None: the hub has none for it."""
    found = _identifier(licence)
    if found is None or (found.startswith("cc-by") and found not in _ON_THE_HUB):
        return None
    return found


def address(licence: str) -> str:
    """Return where a licence can be read, as SPDX or Creative Commons have it; else itself."""
    found = _identifier(licence)
    if found is None:
        return licence
    if found == "cc0-1.0":
        return "https://creativecommons.org/publicdomain/zero/1.0/"
    if found.startswith("cc-"):
        kind, _, version = found.removeprefix("cc-").rpartition("-")
        return f"https://creativecommons.org/licenses/{kind}/{version}/"
    return f"https://spdx.org/licenses/{_SPDX.get(found, found)}.html"


def caution(licence: str) -> str | None:
    """Return why data made from recordings of a licence may not be passed on freely; None: it may."""
    words = (_identifier(licence) or licence).replace("-", " ").replace("_", " ").casefold()
    return next((why for pattern, why in _CAUTIONS if re.search(pattern, words)), None)


_SPDX = {"mit": "MIT", "apache-2.0": "Apache-2.0", "bsd-2-clause": "BSD-2-Clause",
         "bsd-3-clause": "BSD-3-Clause", "gpl-2.0": "GPL-2.0-only", "gpl-3.0": "GPL-3.0-only",
         "lgpl-2.1": "LGPL-2.1-only", "lgpl-3.0": "LGPL-3.0-only"}  # fmt: skip


def _identifier(licence: str) -> str | None:
    name = "-".join(licence.strip().casefold().replace("_", " ").split())
    if link := _ADDRESS.fullmatch(licence.strip().casefold()):
        where, kind, version = link.groups()
        name = f"cc0-{version}" if where == "publicdomain" else f"cc-{kind}-{version}"
    return next((known for known, pattern in _HUB if re.fullmatch(pattern, name)), None)
