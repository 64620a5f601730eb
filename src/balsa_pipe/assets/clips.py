"""A recording as it comes out of a package: its bytes and what the package says about it."""

import re
from dataclasses import dataclass

from balsa_pipe.assets.manifest import Package


@dataclass(frozen=True)
class Recording:
    """A clip's encoded bytes and the raw facts of its package."""

    data: bytes
    name: str
    title: str
    original_name: str | None
    section: str | None
    author: str | None
    licence: str
    link: str | None = None

    def row(self, package: Package) -> dict[str, str | None]:
        """Return the clip's line of recordings/manifest.jsonl."""
        source = f"{package.name} {package.version}"
        return {
            "package": package.name,
            "file": f"{package.name}/{self.name}",
            "title": self.title,
            "original_name": self.original_name,
            "section": self.section,
            "author": self.author,
            "licence": self.licence,
            "source": f"{source}, {self.link}" if self.link else source,
        }


def file_words(name: str) -> str:
    """Return a file name as words: no suffix, digits, camel case, or marks of the editor."""
    stem = re.sub(
        r"^LR|_LA\b|_cut\b|LACut$|\d+", "", name.rpartition(".")[0].replace("LA_cut", "LA")
    )
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", stem)
    return " ".join(re.split(r"[\s_-]+", spaced)).strip()
