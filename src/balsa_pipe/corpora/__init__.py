"""The corpora that can be ingested, by the name of their reader; one module each."""

from balsa_pipe.corpora.base import Reader
from balsa_pipe.corpora.demo import read_demo
from balsa_pipe.corpora.table import read_table

CORPORA: dict[str, Reader] = {"table": read_table, "demo": read_demo}
