"""AudioSet's ontology as plain data, and the sounds that a text names. Shares no code with balsa_pipe."""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

TABLE = Path(__file__).parent.parent / "src" / "balsa_pipe" / "ontology" / "audioset.csv"

Stems = tuple[str, ...]

IRREGULAR = {
    **{"men": "man", "women": "woman", "children": "child", "kids": "kid", "feet": "foot"},
    **{"geese": "goose", "mice": "mouse", "leaves": "leaf", "wolves": "wolf", "hooves": "hoof"},
    **{"knives": "knife", "calves": "calf", "oxen": "ox", "babies": "baby"},
    **{"spoke": "speak", "spoken": "speak", "sang": "sing", "sung": "sing", "rang": "ring"},
    **{"rung": "ring", "blew": "blow", "blown": "blow", "flew": "fly", "flown": "fly"},
    **{"drove": "driv", "driven": "driv", "laughter": "laugh", "wept": "weep", "ran": "run"},
    **{"aeroplane": "airplane", "aeroplanes": "airplane", "plane": "airplane"},
    **{"lorry": "truck", "motorbike": "motorcycl", "meowing": "meow", "miaow": "meow"},
    **{"thunderstorms": "thunderstorm", "series": "series", "news": "news", "gas": "gas"},
}
NOT_A_SOUND = {
    *("sound", "noise", "clip", "record", "audio", "silence", "inside", "outside", "track"),
    *("sound effect", "field record", "environment nois", "public space", "small room"),
    *("large room or hall", "urban or manmad", "rural or natur", "other", "background", "effect"),
    *("specif", "unmodified field record", "environmental nois", "hall", "distort", "channel"),
    *("animal sound", "human sound", "music role", "source ambiguous sound", "tone", "file"),
}
ALSO = {
    "speak": "Speech",
    "talk": "Speech",
    "spoken word": "Speech",
    "voice": "Human voice",
    "sing": "Singing",
    "applaud": "Applause",
    "kid": "Child speech, kid speaking",
    "puppy": "Dog",
    "kitten": "Cat",
    "automobile": "Car",
    "bike": "Bicycle",
    "doorbell": "Doorbell",
    "footstep": "Walk, footsteps",
    "infant": "Baby cry, infant cry",
    "crowd noise": "Crowd",
}
"""Everyday words of sounds that AudioSet names otherwise, as stems: its name."""


@dataclass(frozen=True)
class Ontology:
    """Nodes by id: their names, what is above and below; and the nodes that each phrase names."""

    names: dict[str, str]
    parents: dict[str, tuple[str, ...]]
    children: dict[str, set[str]] = field(repr=False)
    phrases: dict[Stems, frozenset[str]] = field(repr=False)
    exact: dict[str, frozenset[str]] = field(repr=False)
    abstract: frozenset[str] = field(repr=False)  # headings that were no labels

    def exact_nodes(self, phrase: str) -> frozenset[str]:
        """Return the nodes that a phrase names word for word, else in the singular; empty: none."""
        plain = " ".join(words(phrase))
        return self.exact.get(plain) or self.exact.get(singular_words(phrase), frozenset())

    def nodes(self, phrase: str) -> frozenset[str]:
        """Return the nodes that a phrase names as a whole; empty: none."""
        return self.phrases.get(stems(phrase), frozenset())

    def surely_above(self, meanings: Iterable[str]) -> frozenset[str]:
        """Return what is above each meaning of a word, themselves too: true whichever is meant."""
        above = [self.above([node]) for node in meanings]
        return frozenset.intersection(*above) if above else frozenset()

    def above(self, nodes: Iterable[str]) -> frozenset[str]:
        """Return nodes and all their ancestors."""
        return reach(nodes, self.parents)

    def below(self, nodes: Iterable[str]) -> frozenset[str]:
        """Return nodes and all their descendants."""
        return reach(nodes, self.children)


def reach(nodes: Iterable[str], edges: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """Return nodes and all that can be reached from them."""
    seen: set[str] = set()
    todo = list(nodes)
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.add(node)
            todo.extend(edges.get(node, ()))
    return frozenset(seen)


@cache
def ontology(path: Path = TABLE) -> Ontology:
    """Return the ontology of a table with the columns id, name, parents."""
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    names = {row["id"]: row["name"] for row in rows}
    parents = {row["id"]: tuple(row["parents"].split()) for row in rows}
    children: dict[str, set[str]] = {}
    for node, above in parents.items():
        for parent in above:
            children.setdefault(parent, set()).add(node)
    exact: dict[str, set[str]] = {}
    phrases: dict[Stems, set[str]] = {}
    for node, name in names.items():
        for spelling in spellings(name):
            exact.setdefault(" ".join(words(spelling)), set()).add(node)
            phrases.setdefault(stems(spelling), set()).add(node)
    for spelling in [*exact]:  # "wild animal" is AudioSet's "wild animals"; "dog" isn't its "dogs"
        exact.setdefault(singular_words(spelling), exact[spelling])
    by_name = {name: node for node, name in names.items()}
    for spelling, name in ALSO.items():
        phrases.setdefault(tuple(spelling.split()), set()).add(by_name[name])
    kept = {key: frozenset(ids) for key, ids in phrases.items() if " ".join(key) not in NOT_A_SOUND}
    return Ontology(
        names,
        parents,
        children,
        kept,
        {key: frozenset(ids) for key, ids in exact.items()},
        frozenset(row["id"] for row in rows if "abstract" in row["restrictions"]),
    )


def spellings(name: str) -> set[str]:
    """Return a node's name, the same without what stands in brackets, and its comma parts."""
    bare = re.sub(r"\([^)]*\)", "", name)
    return {name, bare, *bare.split(",")} - {"", " "}


def stems(text: str) -> Stems:
    """Return a text's words without their endings."""
    return tuple(stem(word) for word in words(text))


def words(text: str) -> list[str]:
    """Return a text's words in lower case; a possessive s is none."""
    plain = text.lower().replace("’", "'").replace("_", " ").replace("-", " ")
    return re.findall(r"[^\W_]+", re.sub(r"'s\b|(?<=s)'", "", plain))


@cache
def stem(word: str) -> str:
    """Return a word without plural, -ing, -ed and a last e: barks, barking, barked are bark."""
    if word in IRREGULAR:
        return IRREGULAR[word]
    word = singular(word)
    if len(word) > 4 and word.endswith("ied"):
        return word[:-3] + "y"
    for ending in ("ing", "ed"):
        rest = word.removesuffix(ending)
        if rest != word and len(rest) > 2 and re.search("[aeiouy]", rest) and word[-3:] != "eed":
            doubled = rest[-1] == rest[-2] and rest[-1] not in "lsz"
            return rest[:-1] if doubled else rest.removesuffix("e")
    return word[:-1] if len(word) > 3 and re.search("[^e]e$", word) else word


def singular(word: str) -> str:
    """Return a word without the s of a plural, or of a verb."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if re.search(r"(ss|x|ch|sh|zz)es$", word):
        return word[:-2]
    return word[:-1] if len(word) > 3 and re.search(r"[^sui]s$", word) else word


def singular_words(text: str) -> str:
    return " ".join(map(singular, words(text)))


def find(tokens: Sequence[str], lexicon: dict[Stems, frozenset[str]]) -> Iterable[tuple[int, int]]:
    """Yield where a lexicon's phrases begin and end in a list of stems, the longest first."""
    at = 0
    while at < len(tokens):
        for end in range(min(len(tokens), at + 6), at, -1):
            if tuple(tokens[at:end]) in lexicon:
                yield at, end
                at = end - 1
                break
        at += 1
