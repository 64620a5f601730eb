"""What `balsa shards` says of shards: tables and problems as rows, nothing printed."""

from balsa_pipe.inspection.check import check
from balsa_pipe.inspection.listing import head, ls
from balsa_pipe.inspection.stats import stats
from balsa_pipe.inspection.table import render_table

__all__ = ["check", "head", "ls", "render_table", "stats"]
