"""A stand-in of the Hugging Face hub: the HTTP calls that huggingface_hub makes for a push."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

TOKEN = "hf_tiny_secret"

_CALL = r"/(?P<call>preupload|commit|tree|branch)/(?P<branch>.+)"
_REPO = re.compile(r"/api/datasets/(?P<repo>[^/]+/[^/]+)" + _CALL)


@dataclass
class TinyHub:
    """What the hub has, and what it was asked."""

    url: str = ""
    repos: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)  # by branch, name
    private: dict[str, bool] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    refusals: dict[str, int] = field(default_factory=dict)  # status of the calls that are refused

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        """Return status and JSON of a call."""
        path, _, _ = path.partition("?")
        call = self._call(path)
        self.calls.append(call)
        if call in self.refusals:
            return self.refusals[call], {"error": f"no: {TOKEN}"}
        if call == "upload":
            self.blobs[path.rpartition("/")[2]] = body
            return 200, {}
        data = [json.loads(line) for line in body.splitlines()] if body else []
        if call == "batch":
            return 200, {"transfer": "basic", "objects": self._objects(data[0]["objects"])}
        if call in ("whoami", "validate"):
            return 200, {"name": "me", "type": "user", "errors": [], "warnings": []}
        if call == "create":
            return self._create(data[0])
        if call == "info":
            repo = path.removeprefix("/api/datasets/")
            found = {"id": repo, "private": self.private.get(repo)}
            return (200, found) if repo in self.repos else (404, {"error": "none"})
        named = _REPO.fullmatch(path)
        assert named, path
        return getattr(self, f"_{call}")(named["repo"], named["branch"], data)  # type: ignore[no-any-return]

    def _call(self, path: str) -> str:
        known = {"whoami-v2": "whoami", "validate-yaml": "validate", "repos/create": "create",
                 "info/lfs/objects/batch": "batch"}  # fmt: skip
        for ending, call in known.items():
            if path.endswith(ending):
                return call
        found = _REPO.fullmatch(path)
        if found:
            return found["call"]
        return "upload" if path.startswith("/upload/") else "info"

    def _objects(self, wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            one
            | (
                {}
                if one["oid"] in self.blobs
                else {"actions": {"upload": {"href": f"{self.url}/upload/{one['oid']}"}}}
            )
            for one in wanted
        ]

    def _create(self, data: dict[str, Any]) -> tuple[int, Any]:
        repo = f"{data['organization']}/{data['name']}"
        known = repo in self.repos
        self.repos.setdefault(repo, {"main": {}})
        self.private.setdefault(repo, data.get("visibility") == "private")
        address = {"url": f"{self.url}/datasets/{repo}"}
        return (409, {"error": "exists", **address}) if known else (200, address)

    def _branch(self, repo: str, branch: str, data: Any) -> tuple[int, Any]:
        branches = self.repos[repo]
        if branch in branches:
            return 409, {"error": "exists"}
        branches[branch] = dict(branches["main"])
        return 200, {}

    def _tree(self, repo: str, branch: str, data: Any) -> tuple[int, Any]:
        files = self.repos[repo][branch]
        return 200, [_entry(name, files[name]) for name in sorted(files)]

    def _preupload(self, repo: str, branch: str, data: Any) -> tuple[int, Any]:
        files = self.repos[repo][branch]
        modes = [
            {
                "path": one["path"],
                "uploadMode": "lfs" if one["path"].endswith(".parquet") else "regular",
                "shouldIgnore": False,
                "oid": _git_hash(files[one["path"]]) if one["path"] in files else None,
            }
            for one in data[0]["files"]
        ]
        return 200, {"files": modes}

    def _commit(self, repo: str, branch: str, data: Any) -> tuple[int, Any]:
        files = self.repos[repo][branch]
        for line in data:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.blobs[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        address = f"{self.url}/datasets/{repo}/commit/{len(self.calls):040d}"
        return 200, {"commitUrl": address, "commitOid": f"{len(self.calls):040d}"}


def _entry(name: str, data: bytes) -> dict[str, Any]:
    entry = {"type": "file", "path": name, "size": len(data), "oid": _git_hash(data)}
    if not name.endswith(".parquet"):
        return entry
    sha256 = hashlib.sha256(data).hexdigest()
    return entry | {"lfs": {"oid": sha256, "size": len(data), "pointerSize": 132}}


def _git_hash(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0%b" % (len(data), data)).hexdigest()


@contextmanager
def tiny_hub() -> Iterator[TinyHub]:
    """Yield a hub that answers on the loopback address, until the context ends."""
    hub = TinyHub()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Transfer-Encoding") == "chunked":
                body = self._chunks()
            signed = self.headers.get("Authorization") == f"Bearer {TOKEN}"
            open_to_all = self.path.startswith("/upload/")
            status, data = (
                hub.answer(self.command, self.path, body)
                if signed or open_to_all
                else (401, {"error": "Invalid credentials"})
            )
            text = json.dumps(data).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def _chunks(self) -> bytes:
            whole = b""
            while size := int(self.rfile.readline(), 16):
                whole += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return whole

        do_GET = do_POST = do_PUT = _answer  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hub.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
