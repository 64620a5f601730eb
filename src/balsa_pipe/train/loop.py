"""Fitting a phase with transformers' Trainer: two learning rates, a fixed order, safe resumption."""

import json
import math
import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from balsa_pipe.config import Phase
from balsa_pipe.model.audio_llm import AudioLLM
from balsa_pipe.train.examples import Example
from balsa_pipe.train.losses import LossLog

Collate = Callable[[Sequence[Example]], dict[str, Any]]


class ExampleList(torch.utils.data.Dataset[Example]):
    """Examples in the order in which they are trained on."""

    def __init__(self, examples: Sequence[Example]) -> None:
        """Hold them."""
        self._examples = examples

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._examples)

    def __getitem__(self, index: int) -> Example:
        """Return one."""
        return self._examples[index]


class PhaseTrainer(Trainer):
    """Trainer whose adapter and LoRA have learning rates of their own."""

    lora_learning_rate: float
    optimizer: torch.optim.Optimizer | None

    def create_optimizer(self, model: torch.nn.Module | None = None) -> torch.optim.Optimizer:
        """Return AdamW over what trains: adapter at learning_rate, LoRA at its own."""
        if self.optimizer is None:
            adapter = [p for n, p in self.model.named_parameters() if n.startswith("adapter.")]
            lora = [p for n, p in self.model.named_parameters() if n.startswith("llm.")]
            groups = [
                {"params": adapter, "lr": self.args.learning_rate, "weight_decay": 0.01},
                {"params": [p for p in lora if p.requires_grad], "lr": self.lora_learning_rate},
            ]
            self.optimizer = torch.optim.AdamW(
                [group for group in groups if group["params"]], betas=(0.9, 0.98), weight_decay=0.0
            )
        return self.optimizer

    def _issue_warnings_after_load(self, load_result: Any) -> None:
        """Trainer would complain that a checkpoint lacks the frozen LLM, which none holds."""


class LogCallback(TrainerCallback):
    """Sends what Trainer logs to the loss log, with the phase's name and an ETA."""

    def __init__(self, phase: str, losses: LossLog) -> None:
        """Start the clock."""
        self._phase, self._losses = phase, losses
        self._start: tuple[float, int] | None = None

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Pass on losses; leave Trainer's closing summary out."""
        now = time.monotonic()
        self._start = self._start or (now, state.global_step)
        record = {key: logs[key] for key in ("loss", "eval_loss", "learning_rate") if key in logs}
        if not record or "train_runtime" in logs:
            return
        done = state.global_step - self._start[1]
        if done:
            left = state.max_steps - state.global_step
            record["eta_s"] = round((now - self._start[0]) / done * left)
        self._losses.add({"phase": self._phase, "step": state.global_step, **record})


def fit_phase(
    model: AudioLLM,
    phase: Phase,
    train: Sequence[Example],
    validation: Sequence[Example],
    collate: Collate,
    *,
    folder: Path,
    save_steps: int,
    rng_seed: int,
    losses: LossLog,
) -> None:
    """Train a phase in place, from its last whole checkpoint in folder if there is one."""
    os.environ["TENSORBOARD_LOGGING_DIR"] = str(folder / "tensorboard")
    trainer = PhaseTrainer(
        model=model,
        args=_arguments(phase, folder, save_steps, rng_seed, bool(validation)),
        train_dataset=ExampleList(train),
        eval_dataset=ExampleList(validation) if validation else None,
        data_collator=collate,
        callbacks=[LogCallback(phase.name, losses)],
    )
    trainer.lora_learning_rate = phase.lora_learning_rate
    trainer.remove_callback(PrinterCallback)  # the loss log tells them
    checkpoint = last_checkpoint(folder)
    losses.rewind(phase.name, int(checkpoint.rsplit("-", 1)[1]) if checkpoint else 0)
    trainer.train(resume_from_checkpoint=checkpoint)


def last_checkpoint(folder: Path) -> str | None:
    """Return the newest checkpoint that was written whole; torn ones, left by a kill, are removed."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    while found:
        newest = found.pop()
        try:  # Trainer writes its state last
            json.loads((newest / "trainer_state.json").read_text())
            return str(newest)
        except (OSError, ValueError):
            shutil.rmtree(newest)
    return None


def _arguments(
    phase: Phase, folder: Path, save_steps: int, rng_seed: int, validate: bool
) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(folder),
        max_steps=phase.steps,
        per_device_train_batch_size=phase.batch_size,
        per_device_eval_batch_size=phase.batch_size,
        train_sampling_strategy="sequential",
        learning_rate=phase.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=phase.warmup_steps,
        max_grad_norm=1.0,
        logging_steps=math.gcd(10, save_steps),  # so that no kill cuts an average in two
        eval_strategy="steps" if validate else "no",
        eval_steps=save_steps,
        save_strategy="steps",
        save_steps=save_steps,
        save_total_limit=2,
        report_to=["tensorboard"],
        disable_tqdm=True,
        remove_unused_columns=False,
        label_names=["labels"],
        prediction_loss_only=True,
        seed=rng_seed,
        data_seed=rng_seed,
        use_cpu=not torch.cuda.is_available(),
        dataloader_pin_memory=torch.cuda.is_available(),
    )
