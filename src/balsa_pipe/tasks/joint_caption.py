"""joint_caption: one description of two to four clips together."""

from collections.abc import Iterable

from balsa_pipe.schemas import Row
from balsa_pipe.tasks.common import Context, RejectReason
from balsa_pipe.tasks.judging import DESCRIPTION, first_reason, misses_sound, mixes_up_clips
from balsa_pipe.tasks.partners import ask_together

_CHECKS = (
    *DESCRIPTION,
    ("misses_sound", misses_sound),
    ("contradicts_labels", mixes_up_clips),
)


def compose(clips: Iterable[Row], context: Context) -> list[Row]:
    """Return the rows that ask for one caption of each clip and its partners."""
    return ask_together(context, "joint_caption", clips, context.cfg.tasks.joint_caption)


def judge(row: Row, response: str, finish_reason: str) -> RejectReason | None:
    """Reject a reply that leaves a clip out, or puts its sound into another one."""
    return first_reason(_CHECKS, row, response, finish_reason)
