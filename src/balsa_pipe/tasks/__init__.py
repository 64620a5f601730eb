"""The tasks: what is asked about clips, and which replies are kept."""

from collections.abc import Iterable
from typing import Protocol

from balsa_pipe.config import TaskName
from balsa_pipe.schemas import Row
from balsa_pipe.tasks import (
    absence,
    caption,
    difference,
    joint_caption,
    presence_absence,
    presence_qa,
    text_only,
)
from balsa_pipe.tasks.common import Context, RejectReason


class Task(Protocol):
    """Two pure functions: what is asked, and whether a reply will do."""

    def compose(self, clips: Iterable[Row], context: Context) -> list[Row]:
        """Return the task's seed prompts about these clips."""

    def judge(self, row: Row, response: str, finish_reason: str) -> RejectReason | None:
        """Return why the reply to a seed prompt is not kept; None: it is."""


TASKS: dict[TaskName, Task] = {
    "caption": caption,
    "absence": absence,
    "presence_absence": presence_absence,
    "presence_qa": presence_qa,
    "difference": difference,
    "joint_caption": joint_caption,
    "text_only": text_only,
}
