"""absence (P_neg): say what is not heard."""

from collections.abc import Iterable

from balsa_pipe.schemas import Row
from balsa_pipe.tasks.common import Context, RejectReason, ask_absent
from balsa_pipe.tasks.judging import DESCRIPTION, first_reason, mentions_no_absent

_CHECKS = (*DESCRIPTION, ("mentions_no_absent", mentions_no_absent))


def compose(clips: Iterable[Row], context: Context) -> list[Row]:
    """Return the rows that ask what each clip lacks; the LLM reads which sounds it lacks."""
    return ask_absent(context, "absence", clips, context.cfg.tasks.absence.rows)


def judge(row: Row, response: str, finish_reason: str) -> RejectReason | None:
    """Reject a reply that names no absent sound, or takes an absent one for present."""
    return first_reason(_CHECKS, row, response, finish_reason)
