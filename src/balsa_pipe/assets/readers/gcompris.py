"""GCompris: farm animals, world music, instruments and daily noises."""

import re
from collections.abc import Iterator
from pathlib import Path

from balsa_pipe.assets.archives import read_deb, read_rcc
from balsa_pipe.assets.clips import Recording, file_words

FOLDERS = ("explore_farm_animals", "explore_world_music", "instruments", "memory-sound")


def read_gcompris(archive: Path) -> Iterator[Recording]:
    """Yield farm animals, world music, instruments and daily noises."""
    wanted = {f"usr/share/gcompris-qt/rcc/{folder}.rcc": folder for folder in FOLDERS}
    found = {wanted[name]: data for name, data in read_deb(archive, wanted.__contains__)}
    for folder in FOLDERS:
        files = read_rcc(found.get(folder, b""))
        texts = {
            name.rpartition("/")[2]: data.decode("utf-8", "replace")
            for name, data in files.items()
            if name.endswith((".qml", ".js", "README"))
        }
        credits_by_file = readme_credits(texts.get("README", ""))
        titles = gcompris_titles(texts)
        for name, data in sorted(files.items()):
            file = name.rpartition("/")[2]
            if file.endswith(".ogg") and _keep_gcompris(folder, file):
                yield _gcompris_recording(folder, file, data, titles, credits_by_file)


def _keep_gcompris(folder: str, file: str) -> bool:
    """Leave out a non-free drum kit, invented noises, and clips whose maker isn't named."""
    if folder == "memory-sound":
        return file.startswith("LR") and not file.startswith(("LRWeird", "LRLaPause"))
    return file != "drum_kit.ogg"


def _gcompris_recording(
    folder: str, file: str, data: bytes, titles: dict[str, str], notes: dict[str, dict[str, str]]
) -> Recording:
    note = notes.get(file, {})
    author, licence = {
        "instruments": ("Sylvain Dechy, Jérome blanchard, julie jules, chloé tuvuku", "GPL-3+"),
        "memory-sound": ("Lionel Allorge, Yves Combe", "Free Art License 1.2"),
    }.get(folder, (note.get("Copyright", ""), note.get("License", "GPL-3+")))
    link = note.get("Source")
    return Recording(
        data=data,
        name=f"{folder}/{file}",
        title=titles.get(file) or file_words(file),
        original_name=link.rpartition("/")[2].removeprefix("File:") if link else file,
        section=folder,
        author=author or None,
        licence=licence,
        link=link,
    )


def gcompris_titles(texts: dict[str, str]) -> dict[str, str]:
    """Return file name -> title; of a farm animal's paragraph only the sentence that is a sound."""
    titles: dict[str, str] = {}
    for block in re.split(r"[{}]", "\n".join(texts.values())):
        audio = re.search(r'"audio":.*/([^/"]+)\.\$CA"', block)
        if not audio:
            continue
        title = re.search(r'"title":\s*qsTr\("([^"]+)"\)', block)
        text = re.search(r'"text":\s*qsTr\("([^"]+)"\)', block)
        sentence = text[1].partition(". ")[0].rstrip(".") + "." if text else ""
        if " goes '" in sentence:
            titles[f"{audio[1]}.ogg"] = sentence
        elif title:
            titles[f"{audio[1]}.ogg"] = title[1]
        elif sentence.startswith("Find the "):
            titles[f"{audio[1]}.ogg"] = sentence.removeprefix("Find the ").rstrip(".")
    return titles


def readme_credits(readme: str) -> dict[str, dict[str, str]]:
    """Return file name -> its Copyright, License and Source of a README in paragraphs."""
    notes: dict[str, dict[str, str]] = {}
    for block in readme.split("\n\n"):
        fields = dict(re.findall(r"^(Copyright|License|Source): (.+)$", block, re.MULTILINE))
        for file in block.partition("Files:\n")[2].split("\n"):
            notes[file.strip()] = fields
    return notes
