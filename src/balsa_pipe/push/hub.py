"""The hub's side: who we are, the repo, what it has already, and one commit of what it hasn't."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from balsa_pipe.errors import HubError, one_line
from balsa_pipe.hashing import file_sha256

KIND = "dataset"

_TOKEN = "make a token with write access and run `hf auth login`, or set HF_TOKEN"
_ADVICE = {
    401: f"the token was refused; {_TOKEN}",
    403: f"the token doesn't allow that; name a repo of your own, or {_TOKEN}",
    404: "there is no such repo or branch, or this token can't see it; check the name",
    409: "somebody else changed it meanwhile; push again",
    413: "the hub takes no file that large; give compose.shards a higher number",
    429: "too many requests; wait a while and push again",
}


class Hub:
    """A dataset's repo on the hub, and one of its branches."""

    def __init__(self, repo: str, revision: str | None) -> None:
        """Take the user's token; HubError when there is none."""
        from huggingface_hub import HfApi, get_token

        self.repo, self._revision = repo, revision
        self._token = get_token()
        if not self._token:
            raise HubError(f"push: there is no token for the hub; {_TOKEN}")
        self._api = HfApi(token=self._token)

    def commit(
        self, files: Mapping[str, Path], *, title: str, private: bool
    ) -> tuple[list[str], str | None]:
        """Upload the files that differ, remove shards that are no more; return names and address.

        The repo and the branch are made if need be. No address: nothing differed.
        """
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        with self._told():
            self._open(private)
            there = self._there()
            new = [name for name, path in files.items() if not _same(path, there.get(name))]
            old = [name for name in there if _is_shard(name) and name not in files]
            if not new and not old:
                return [], None
            done = self._api.create_commit(
                self.repo,
                [
                    *(CommitOperationAdd(name, str(files[name])) for name in new),
                    *(CommitOperationDelete(name) for name in old),
                ],
                commit_message=f"Upload {title}"[:200],
                repo_type=KIND,
                revision=self._revision,
            )
        return [*new, *old], str(done.commit_url)

    def _open(self, private: bool) -> None:
        self._api.whoami()  # so that a bad token is told as one
        self._api.create_repo(
            self.repo, repo_type=KIND, private=True if private else None, exist_ok=True
        )
        if private and not self._api.repo_info(self.repo, repo_type=KIND).private:
            raise HubError(
                f"push: {self.repo} is there already and public, so --private can't be kept; make it "
                "private on the hub, or leave out --private"
            )
        if self._revision:
            self._api.create_branch(self.repo, branch=self._revision, repo_type=KIND, exist_ok=True)

    def _there(self) -> dict[str, Any]:
        """Return the files of the repo by name."""
        entries = self._api.list_repo_tree(
            self.repo, recursive=True, repo_type=KIND, revision=self._revision
        )
        return {entry.path: entry for entry in entries if hasattr(entry, "blob_id")}

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what goes wrong on the way into an error for people, which never names the token."""
        from huggingface_hub.errors import HfHubHTTPError, HTTPError

        try:
            yield
        except HfHubHTTPError as exc:
            status = exc.response.status_code
            advice = _ADVICE.get(status, "try again later")
            reason = self._safe(exc.server_message or "no reason given")
            raise HubError(
                f"push: {self.repo}: the hub says {status} ({reason}): {advice}"
            ) from exc
        except (HTTPError, OSError, ValueError) as exc:
            raise HubError(
                f"push: {self.repo}: {self._api.endpoint} can't be reached or broke off "
                f"({self._safe(one_line(exc))}); check the network and HF_ENDPOINT, and push again: "
                "what was uploaded is not sent twice"
            ) from exc

    def _safe(self, text: str) -> str:
        return " ".join(text.split())[:200].replace(self._token or "\0", "(token)")


def check_repo(repo: str, revision: str | None) -> None:
    """Raise HubError unless the names are such as the hub takes."""
    try:
        from huggingface_hub.errors import HFValidationError
        from huggingface_hub.utils import validate_repo_id
    except ImportError as exc:
        raise HubError(
            "push: huggingface_hub isn't installed; run `pip install huggingface_hub`"
        ) from exc
    try:
        validate_repo_id(repo)
    except HFValidationError as exc:
        raise HubError(f"push: --repo {repo!r}: {one_line(exc)}") from exc
    if repo.count("/") != 1:
        raise HubError(f"push: --repo {repo!r}: expected owner/name, as in me/sounds")
    if revision is not None and (not revision or revision.startswith("-") or " " in revision):
        raise HubError(f"push: --revision {revision!r}: expected the name of a branch")


def _is_shard(name: str) -> bool:
    return name.startswith(("train/", "validation/")) and name.endswith(".parquet")


def _same(path: Path, entry: Any) -> bool:
    """Tell whether the hub has a file as it is here."""
    if entry is None:
        return False
    if entry.lfs is not None:
        return bool(entry.lfs.sha256 == file_sha256(path))
    if entry.size != path.stat().st_size:
        return False
    data = path.read_bytes()
    return bool(entry.blob_id == hashlib.sha1(b"blob %d\0%b" % (len(data), data)).hexdigest())
