"""The audio-aware LLM itself: adapter and LLM joined, saved as plain parts, loaded with one call."""

import json
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Self

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor, nn

from balsa_pipe.chat import load_tokenizer
from balsa_pipe.config import AdapterConfig, EncoderConfig, LoraSettings
from balsa_pipe.engines.identity import model_revision
from balsa_pipe.errors import ModelError, one_line
from balsa_pipe.model.adapter import QFormer
from balsa_pipe.model.prompt import AUDIO_SLOT, IGNORE

CONFIG_FILE, ADAPTER_FILE, LORA_FOLDER = "config.json", "adapter.safetensors", "lora"
LORA_FILE = "adapter_model.safetensors"


class AudioLLMConfig(BaseModel):
    """What the parts are; enough, with the weights, to build the model again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = 1
    llm: str
    llm_revision: str
    encoders: list[EncoderConfig]
    adapter: AdapterConfig
    stream_widths: list[int]
    system: str | None
    has_lora: bool


class AudioLLM(nn.Module):
    """A causal LLM that takes audio tokens from a Q-Former in place of text tokens."""

    accepts_loss_kwargs = True  # Trainer passes num_items_in_batch

    def __init__(self, config: AudioLLMConfig, llm: Any, tokenizer: Any) -> None:
        """Join a loaded LLM (bare or wrapped by peft) with a fresh adapter."""
        super().__init__()
        self.parts = (
            config  # not "config": Trainer takes that for a transformers one, and writes to it
        )
        self.tokenizer = tokenizer
        self.llm = llm
        self.adapter = QFormer(config.adapter, config.stream_widths, llm.config.hidden_size)
        with torch.no_grad():  # so that audio tokens start as loud as words
            scale = llm.get_input_embeddings().weight.float().std().item()
            self.adapter.output.weight.normal_(std=scale / config.adapter.hidden_size**0.5)
            self.adapter.output.bias.zero_()

    @classmethod
    def build(
        cls,
        config: AudioLLMConfig,
        lora: LoraSettings | None,
        dtype: torch.dtype = torch.bfloat16,
    ) -> Self:
        """Return a model ready to be trained: LLM frozen, adapter and LoRA fresh."""
        llm = load_llm(config.llm, dtype)
        if lora is not None:
            from peft import LoraConfig, get_peft_model

            llm = get_peft_model(
                llm,
                LoraConfig(
                    r=lora.r,
                    lora_alpha=lora.alpha,
                    lora_dropout=lora.dropout,
                    target_modules=lora.target_modules,
                    task_type="CAUSAL_LM",
                ),
            )
        return cls(config, llm, load_tokenizer(config.llm))

    @classmethod
    def load(cls, folder: Path, dtype: torch.dtype = torch.bfloat16) -> Self:
        """Return a saved model, ready to answer; ModelError when a part is missing or doesn't fit."""
        config = load_model_config(folder)
        if (found := model_revision(config.llm)) != config.llm_revision:
            raise ModelError(
                f"{folder}: was trained on {config.llm} of revision {config.llm_revision}, but what "
                f"is there now is {found}; bring that one back, or train again"
            )
        llm = load_llm(config.llm, dtype)
        if config.has_lora:
            llm = load_lora(llm, folder / LORA_FOLDER)
        model = cls(config, llm, load_tokenizer(config.llm))
        load_weights(model.adapter, folder / ADAPTER_FILE)
        return model.eval()

    def save(self, folder: Path) -> None:
        """Write config.json, adapter.safetensors and, with LoRA, a plain PEFT folder."""
        folder.mkdir(parents=True, exist_ok=True)
        save_weights(self.adapter, folder / ADAPTER_FILE)
        if self.parts.has_lora:
            self.llm.save_pretrained(folder / LORA_FOLDER)
        text = json.dumps(self.parts.model_dump(mode="json"), indent=2)
        (folder / CONFIG_FILE).write_text(text + "\n")

    def embed(
        self,
        ids: Tensor,
        frames: Sequence[Tensor],
        masks: Sequence[Tensor],
        *,
        adapter: QFormer | None = None,
        stand_ins: Tensor | None = None,
    ) -> Tensor:
        """Return (B, T, H) embeddings of ids (B, T), with each audio slot filled, clip by clip.

        adapter, when given, speaks in place of the model's own. stand_ins (N, queries, H), when
        given, are audio tokens that take the place of those heard wherever they aren't NaN.
        """
        words: Tensor = self.llm.get_input_embeddings()(ids.clamp(min=0))
        slots = ids == AUDIO_SLOT
        if not frames:
            if slots.any():
                raise ValueError("the batch has audio slots but no clips")
            return words
        tokens = (adapter or self.adapter)(frames, masks)  # (N, queries, H)
        if stand_ins is not None:
            tokens = torch.where(stand_ins.isnan(), tokens, stand_ins)
        if slots.sum() != tokens.shape[0] * tokens.shape[1]:
            raise ValueError(f"{int(slots.sum())} audio slots for {tokens.shape[:2]} audio tokens")
        return words.masked_scatter(slots.unsqueeze(-1), tokens.to(words.dtype))

    def forward(
        self,
        ids: Tensor,
        attention_mask: Tensor,
        labels: Tensor,
        frames: Sequence[Tensor] = (),
        masks: Sequence[Tensor] = (),
        weights: Tensor | None = None,
        stand_ins: Tensor | None = None,
        keeps: Tensor | None = None,
        num_items_in_batch: Tensor | int | None = None,
    ) -> dict[str, Tensor]:
        """Return the loss on the replies of a left-padded batch, per reply token.

        ids, attention_mask, labels: (B, T). weights, when given, is how much each label counts,
        (B, T). stand_ins: see embed. keeps (B,), when given: the rows whose loss is
        KL(LLM without LoRA || with it) at each reply token, in place of the reply's own.
        num_items_in_batch, when given, is the number of reply tokens of the whole global batch, so
        that accumulation doesn't change the loss.
        """
        embeds = self.embed(ids, frames, masks, stand_ins=stand_ins)
        replies = labels != IGNORE
        wanted = nn.functional.pad(replies[:, 1:], (0, 1))  # each token is predicted by the last
        now = self._log_probs(embeds, attention_mask, wanted)
        losses = -now.gather(1, labels[replies].unsqueeze(1)).squeeze(1)
        if keeps is not None and self.parts.has_lora:
            with torch.no_grad(), self.llm.disable_adapter():
                before = self._log_probs(embeds[keeps], attention_mask[keeps], wanted[keeps])
            kept = keeps.unsqueeze(1).expand_as(wanted)[wanted]
            drift = nn.functional.kl_div(now[kept], before, reduction="none", log_target=True)
            losses = losses.masked_scatter(kept, drift.sum(dim=1))
        if weights is not None:
            losses = losses * weights[replies]
        return {"loss": losses.sum() / (num_items_in_batch or replies.sum().clamp(min=1))}

    def _log_probs(self, embeds: Tensor, attention_mask: Tensor, wanted: Tensor) -> Tensor:
        """Return the log-probabilities (N, V) of what follows at the N wanted places of (B, T)."""
        head = self.llm.get_output_embeddings()
        # The head is by far the widest layer: it is given the wanted places only.
        choice = head.register_forward_pre_hook(lambda _, args: (args[0][wanted],))
        try:
            logits: Tensor = self.llm(
                inputs_embeds=embeds,
                attention_mask=attention_mask,
                position_ids=(attention_mask.cumsum(dim=-1) - 1).clamp(min=0),
                use_cache=False,
            ).logits
        finally:
            choice.remove()
        return logits.float().log_softmax(dim=-1)

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]
        """Return what trains; the frozen LLM is named by its revision and never copied."""
        trained = {name for name, tensor in self.named_parameters() if tensor.requires_grad}
        state = super().state_dict(*args, **kwargs)
        return {name: tensor for name, tensor in state.items() if name in trained}

    @torch.inference_mode()
    def generate(self, embeds: Tensor, max_tokens: int, *, adapted: bool = True) -> tuple[str, int]:
        """Return the greedy reply to prompt embeddings (T, H), and its number of tokens."""
        plain = self.llm.disable_adapter() if self.parts.has_lora and not adapted else nullcontext()
        with plain:
            ids = self.llm.generate(
                inputs_embeds=embeds.unsqueeze(0),
                attention_mask=torch.ones(1, len(embeds), dtype=torch.long, device=embeds.device),
                max_new_tokens=max_tokens,
                do_sample=False,
                eos_token_id=self.tokenizer.eos_token_id,
                pad_token_id=self.tokenizer.eos_token_id,
            )[0]
        return self.tokenizer.decode(ids, skip_special_tokens=True).strip(), len(ids)


def load_llm(llm: str, dtype: torch.dtype) -> Any:
    """Return a frozen causal LLM; ModelError when it can't be loaded."""
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, GenerationConfig

    # On a CPU, PyTorch's fused attention is several times slower than plain matmuls on short rows.
    attention = "sdpa" if torch.cuda.is_available() else "eager"
    try:
        model = AutoModelForCausalLM.from_pretrained(
            llm,
            dtype=dtype,
            trust_remote_code=False,
            use_safetensors=True,
            attn_implementation=attention,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as exc:
        raise ModelError(
            f"llm {llm}: can't be loaded ({one_line(exc, 200)}); run `balsa doctor`"
        ) from exc
    model.generation_config = GenerationConfig()  # greedy means greedy: no penalties of its own
    return model.requires_grad_(False)


def load_lora(llm: Any, folder: Path) -> Any:
    """Return the LLM with a saved LoRA in it; ModelError when the folder holds none that fits."""
    from peft import PeftModel
    from safetensors import SafetensorError

    try:
        if not (folder / LORA_FILE).is_file():  # peft would take a pickle, or ask the hub
            raise FileNotFoundError(f"no {LORA_FILE}")
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="Found missing adapter keys")
            return PeftModel.from_pretrained(llm, str(folder))
    except (
        OSError,
        ValueError,
        RuntimeError,
        LookupError,
        TypeError,
        SafetensorError,
        UserWarning,
    ) as exc:
        raise ModelError(
            f"{folder}: does not fit the llm ({one_line(exc, 200)}); train again"
        ) from exc


def load_model_config(folder: Path) -> AudioLLMConfig:
    """Return a saved model's config; ModelError when the folder holds none."""
    path = folder / CONFIG_FILE
    if not path.is_file():
        raise ModelError(f"{folder}: not a balsa_pipe model (no {CONFIG_FILE}); train one first")
    try:
        return AudioLLMConfig.model_validate_json(path.read_bytes())
    except ValidationError as exc:
        raise ModelError(f"{path}: not of this version: {exc.errors()[0]['msg']}") from exc


def save_weights(module: nn.Module, path: Path) -> None:
    """Write what a module's state_dict holds as safetensors."""
    from safetensors.torch import save_file

    state = module.state_dict()
    save_file({name: tensor.detach().contiguous().cpu() for name, tensor in state.items()}, path)


def load_weights(module: nn.Module, path: Path, *, strict: bool = True) -> None:
    """Fill a module from a safetensors file; ModelError when it is missing or of another shape."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        module.load_state_dict(load_file(path), strict=strict)
    except (OSError, SafetensorError, RuntimeError) as exc:
        raise ModelError(
            f"{path}: does not fit the model ({one_line(exc, 200)}); train again"
        ) from exc
