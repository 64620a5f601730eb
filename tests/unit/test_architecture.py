"""The package as a whole: imports point one way, modules are small, every public name is explained."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from itertools import chain
from pathlib import Path

import pytest

import balsa_pipe

ROOT = Path(balsa_pipe.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

LAYERS = [
    *(
        "errors",
        "files",
        "json_files",
        "locks",
        "schemas",
        "hashing",
        "progress",
        "yaml_files",
        "corpus_config",
        "config",
        "shards",
        "journal",
        "text",
        "database",
        "paraphrases",
        "clauses",
        "negation",
        "language",
        "chat",
    ),
    *(
        "audio",
        "prompts",
        "ontology",
        "relations",
        "vocabulary",
        "engines",
        "corpora",
        "scenes",
        "tasks",
    ),
    *(
        "ingest",
        "compose",
        "synthesize",
        "duplicates",
        "curate",
        "card",
        "model",
        "engines.transformers",
    ),
    *("train", "evaluate", "inspection", "push", "report", "inspection.gallery", "doctor"),
    *("assets", "workflow"),
    *("draft", "estimate", "preview"),
    *("terminal", "shards_cli", "stages_cli", "cli", "__main__"),
]
"""Bottom-up: a module imports from its own layer and from those before it."""

MAX_LINES = {"config": 500}  # a list of declarations, better read in one piece
MAX_LINES_ELSEWHERE = 350
MAX_BODY = 60


def name_of(path: Path) -> str:
    """Return a module's name below the package, as in `train.loop`; a package's is its own."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


def imported(node: ast.AST) -> Iterator[str]:
    """Yield the modules of the package that an import statement names."""
    if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "balsa_pipe":
        base = (node.module or "").removeprefix("balsa_pipe").lstrip(".")
        for alias in node.names:
            inner = f"{base}.{alias.name}".lstrip(".")
            yield inner if inner in MODULES else base
    elif isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name.split(".")[0] == "balsa_pipe":
                yield alias.name.removeprefix("balsa_pipe").lstrip(".")


def imports_of(module: str) -> set[str]:
    """Return all that a module imports of the package, also inside its functions."""
    nodes = ast.walk(MODULES[module])
    return {name for name in chain.from_iterable(map(imported, nodes)) if name}


def layer_of(module: str) -> int:
    return LAYERS.index(module if module in LAYERS else module.split(".")[0])


def public(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node


@pytest.mark.parametrize("module", [name for name in MODULES if name])
def test_imports_point_one_way(module: str) -> None:
    above = {name for name in imports_of(module) if layer_of(name) > layer_of(module)}
    assert not above


def test_there_are_no_cycles() -> None:
    graph = {module: imports_of(module) - {module} for module in MODULES}
    order = list(TopologicalSorter(graph).static_order())  # CycleError names the cycle
    assert order.index("errors") < order.index("cli") < order.index("__main__")


def test_every_layer_is_there() -> None:
    assert {layer.split(".")[0] for layer in LAYERS} == {
        name.split(".")[0] for name in MODULES if name
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: name_of(path) or "balsa_pipe")
def test_modules_and_functions_are_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    name = name_of(path)
    assert len(text.splitlines()) <= MAX_LINES.get(name, MAX_LINES_ELSEWHERE)
    for node in ast.walk(MODULES[name]):
        if isinstance(node, ast.FunctionDef):
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            assert (node.end_lineno or 0) - first.lineno < MAX_BODY, node.name


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_explained_in_a_line(module: str) -> None:
    assert ast.get_docstring(MODULES[module])
    for node in public(MODULES[module]):
        text = ast.get_docstring(node)
        assert text, node.name
        assert text.splitlines()[0].endswith((".", ":")), node.name
        for method in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                assert ast.get_docstring(method), f"{node.name}.{method.name}"


@pytest.mark.parametrize(
    ("library", "only"),
    [
        ("pyarrow.parquet", {"shards"}),
        ("duckdb", {"database"}),
        ("torchaudio", {"audio", "doctor.environment", "doctor.torch_probe"}),
        ("random", set()),
        ("pickle", {"assets.aisfx_checkpoint"}),
    ],
)
def test_some_libraries_have_one_place(library: str, only: set[str]) -> None:
    users = set()
    for module, tree in MODULES.items():
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name == library or name.startswith(f"{library}.") for name in names):
                users.add(module)
    assert users <= only
