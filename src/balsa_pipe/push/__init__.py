"""`balsa push`: a finished dataset goes to the hub, checked, without a path of this machine."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from balsa_pipe.card import card_files, facts_of
from balsa_pipe.card.facts import Facts
from balsa_pipe.card.licences import caution
from balsa_pipe.push.folder import files_of, publishable, require_sound
from balsa_pipe.push.hub import Hub, check_repo
from balsa_pipe.text import safe_text

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Pushed:
    """What went to the hub, or would go: names and bytes of all files, and the commit."""

    files: dict[str, int]
    changed: list[str]  # uploaded or removed; nothing of the others was sent
    url: str | None  # of the commit; None: nothing had changed, or it was a dry run


def push(
    folder: Path,
    repo: str,
    log: Log,
    *,
    private: bool = False,
    revision: str | None = None,
    dry_run: bool = False,
) -> Pushed:
    """Upload a dataset's folder as one commit, and say what went.

    Nothing is sent before the folder was found whole. Raises BalsaError when it isn't, HubError when
    the hub can't be reached or refuses.
    """
    check_repo(repo, revision)
    require_sound(folder)
    facts = facts_of(folder)
    for line in cautions(facts):
        log(f"push: {line}")
    with TemporaryDirectory(prefix="balsa-push-") as scratch:
        ready = publishable(folder, card_files(facts), Path(scratch), log)
        files = {name: path.stat().st_size for name, path in files_of(ready).items()}
        if dry_run:
            return Pushed(files, [], None)
        hub = Hub(repo, revision)
        changed, url = hub.commit(files_of(ready), title=facts.title, private=private)
        return Pushed(files, changed, url)


def cautions(facts: Facts) -> list[str]:
    """Return a warning for each licence that doesn't let the data be passed on freely."""
    told = [(row, caution(row["licence"])) for row in facts.licences]
    return [
        f"warning: {safe_text(row['licence'])!r} ({row['clips']} clips): {why}"
        for row, why in told
        if why
    ]
