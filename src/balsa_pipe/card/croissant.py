"""croissant.json: the dataset as MLCommons' Croissant 1.1 describes one, for machines to find and load.

A field inside a list inside a list of structs (`clips[].parts`) can't be declared there, so it is
left out; the Parquet files have it.
"""

import json
from typing import Any

import pyarrow as pa

from balsa_pipe.card.columns import Column, columns
from balsa_pipe.card.facts import Facts, File
from balsa_pipe.card.licences import address

Node = dict[str, Any]

VERSION = "1.0.0"
RECORDS = "rows"
SHARDS = "shards"
PARQUET = "application/x-parquet"

_TERMS = (
    *("arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field"),
    *("fileObject", "fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset"),
    *("jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex"),
    *("repeated", "replace", "samplingRate", "separator", "source", "subField", "transform"),
)
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    **{term: f"cr:{term}" for term in _TERMS},
}


def croissant(facts: Facts, description: str, languages: list[str]) -> str:
    """Return the text of croissant.json."""
    told = facts.provenance
    node = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": facts.title,
        "description": description,
        "inLanguage": languages,
        "license": sorted({address(row["licence"]) for row in facts.licences}),
        "version": VERSION,
        **_told({"citeAs": told.get("citation"), "datePublished": told.get("published")}),
        "keywords": ["audio", "synthetic", *sorted({row["task"] for row in facts.mix})],
        "distribution": [*map(_file_object, facts.files), _file_set(facts)],
        "recordSet": [_record_set()],
    }
    return json.dumps(node, indent=2, ensure_ascii=False) + "\n"


def _told(values: Node) -> Node:
    return {name: value for name, value in values.items() if value}


def _file_object(file: File) -> Node:
    return {
        "@type": "cr:FileObject",
        "@id": file.name,
        "name": file.name,
        "description": f"{file.rows} rows.",
        "contentUrl": file.name,
        "contentSize": f"{file.size} B",
        "encodingFormat": PARQUET,
        "sha256": file.sha256,
    }


def _file_set(facts: Facts) -> Node:
    folders = sorted({file.name.partition("/")[0] for file in facts.files})
    return {
        "@type": "cr:FileSet",
        "@id": SHARDS,
        "name": SHARDS,
        "description": "All Parquet files.",
        "encodingFormat": PARQUET,
        "includes": [f"{folder}/*.parquet" for folder in folders],
    }


def _record_set() -> Node:
    return {
        "@type": "cr:RecordSet",
        "@id": RECORDS,
        "name": RECORDS,
        "description": "A question on sounds and the reply that an LLM wrote to it.",
        "key": {"@id": f"{RECORDS}/prompt_id"},
        "field": [_field(column) for column in columns()],
    }


def _field(column: Column) -> Node:
    node = {
        "@type": "cr:Field",
        "@id": _id(column),
        "name": _id(column),
        "description": column.meaning,
        **({"repeated": True} if column.is_list else {}),
    }
    if column.fields:
        return node | {
            "subField": [_sub_field(field) for field in column.fields if _sayable(field)]
        }
    return node | {"dataType": _type(column), "source": _source(column.name)}


def _sub_field(column: Column) -> Node:
    """Return a field inside a struct, or inside each struct of a list."""
    whole, _, part = column.name.partition(".")
    source = _source(whole) | {"transform": {"jsonPath": part}}
    return _field(column) | {"source": source}


def _sayable(column: Column) -> bool:
    """Tell whether Croissant has words for a field: not for structs in a list in a list of them."""
    return not pa.types.is_struct(column.inner)


def _source(column: str) -> Node:
    return {"fileSet": {"@id": SHARDS}, "extract": {"column": column}}


def _id(column: Column) -> str:
    return f"{RECORDS}/{column.name.replace('.', '/')}"


def _type(column: Column) -> str:
    kind = column.inner
    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    if pa.types.is_integer(kind):
        return "sc:Integer"
    return "sc:Float" if pa.types.is_floating(kind) else "sc:Text"
