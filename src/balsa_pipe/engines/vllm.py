"""vLLM in this process: requests go in while it steps, replies come out as they finish."""

import gc
import json
import logging
import os
import re
import warnings
from pathlib import Path
from typing import Any

from balsa_pipe.chat import encode_chat, looks_like_folder
from balsa_pipe.engines.base import EngineIdentity, EngineSettings, Reply, Request
from balsa_pipe.errors import EngineError, one_line

_LOG = logging.getLogger(__name__)
_LORA_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)  # that vLLM offers
_MEMORY = re.compile(r"memory|kv cache|cache blocks|max seq len", re.IGNORECASE)


class VllmEngine:
    """A text LLM with prefix caching and, if asked for, prompt embeddings and one LoRA."""

    def __init__(
        self,
        model: str,
        settings: EngineSettings,
        *,
        identity: EngineIdentity,
        embeds: bool = False,
        adapter: Path | None = None,
    ) -> None:
        """Load the model, which takes a while; EngineError when it doesn't start."""
        self._identity = identity
        self._settings = settings
        self._done: list[Reply] = []
        self._n_prompt_tokens: dict[str, int] = {}
        self._engine = _start(_arguments(model, settings, identity, embeds, adapter))
        self._dtype = self._engine.model_config.dtype
        self._tokenizer = self._engine.get_tokenizer()
        self._lora = _lora_request(adapter)

    @property
    def identity(self) -> EngineIdentity:
        """Who answers."""
        return self._identity

    @property
    def capacity(self) -> int:
        """How many requests in flight keep it full: as many waiting as running."""
        return 2 * self._settings.max_num_seqs

    def submit(self, request: Request) -> None:
        """Queue a request.

        A prompt that leaves no room for sampling.max_tokens is answered with prompt_too_long, so
        that no reply depends on max_model_len; one that vLLM refuses is answered with error.
        """
        from vllm.exceptions import VLLMValidationError

        prompt, n_tokens = self._prompt(request)
        if n_tokens + request.sampling.max_tokens > self._settings.max_model_len:
            self._done.append(Reply(request.key, "", "prompt_too_long", n_tokens, 0))
            return
        try:
            self._engine.add_request(
                request.key,
                prompt,
                _sampling_params(request),
                lora_request=self._lora if request.adapted else None,
            )
        except (ValueError, VLLMValidationError) as exc:
            _LOG.warning("vllm refused request %s: %s", request.key, exc)
            self._done.append(Reply(request.key, "", "error", n_tokens, 0))
            return
        self._n_prompt_tokens[request.key] = n_tokens

    def step(self) -> list[Reply]:
        """Work for a moment and return the replies that finished; EngineError when it died."""
        done, self._done = self._done, []
        if not self._n_prompt_tokens:
            return done
        try:
            outputs = self._engine.step()
        except Exception as exc:
            raise EngineError(
                f"engine vllm: it stopped while {len(self._n_prompt_tokens)} replies were being "
                f"written ({one_line(exc, 300)}); finished rows are kept, run the same command again"
            ) from exc
        return done + [self._reply(output) for output in outputs if output.finished]

    def close(self) -> None:
        """Free the model and end vLLM's processes, where it has any."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.engine_core.shutdown()
            engine.renderer.shutdown()
            del engine
            gc.collect()

    def _prompt(self, request: Request) -> tuple[dict[str, Any], int]:
        """Return what vLLM takes in, and its length in tokens."""
        if request.embeds is not None:
            embeds = request.embeds.detach().to("cpu", self._dtype)  # (T, H)
            return {"type": "embeds", "prompt_embeds": embeds}, embeds.shape[0]
        if request.prompt is None:
            raise ValueError(f"request {request.key} has neither a prompt nor embeddings")
        ids = encode_chat(self._tokenizer, request.prompt)
        return {"type": "token", "prompt_token_ids": ids}, len(ids)

    def _reply(self, output: Any) -> Reply:
        written = output.outputs[0]
        reason = written.finish_reason if written.finish_reason in ("stop", "length") else "error"
        return Reply(
            output.request_id,
            written.text,
            reason,
            self._n_prompt_tokens.pop(output.request_id),
            len(written.token_ids),
        )


def _start(arguments: dict[str, Any]) -> Any:
    """Return a running vllm.LLMEngine."""
    os.environ.update(_environment())
    if not _has_cuda():
        _use_all_cpus()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            from vllm import EngineArgs, LLMEngine

            return LLMEngine.from_engine_args(EngineArgs(**arguments))
    except ImportError as exc:
        raise EngineError(
            f"engine vllm: vLLM can't be imported ({one_line(exc, 300)}); run `balsa doctor`, "
            "which says what is missing and how to get it"
        ) from exc
    except Exception as exc:  # vLLM raises what the failing part raises
        raise EngineError(
            f"engine vllm: it didn't start ({one_line(exc, 300)}); {_advice(exc)}"
        ) from exc


def _arguments(
    model: str,
    settings: EngineSettings,
    identity: EngineIdentity,
    embeds: bool,
    adapter: Path | None,
) -> dict[str, Any]:
    """Return vllm.EngineArgs as keywords."""
    arguments: dict[str, Any] = {
        "model": model,
        "revision": None if looks_like_folder(model) else identity.model_revision,
        "trust_remote_code": False,
        "load_format": "safetensors",
        "dtype": settings.dtype,
        "max_model_len": settings.max_model_len,
        "max_num_seqs": settings.max_num_seqs,
        "gpu_memory_utilization": settings.gpu_memory_utilization,
        "enable_prefix_caching": True,
        "enable_prompt_embeds": embeds,
        "disable_log_stats": True,
        "use_tqdm_on_load": False,
        "seed": 0,  # of requests without their own
    }
    if adapter is not None:
        arguments |= _lora_arguments(adapter)
    return arguments | ({} if _has_cuda() else _cpu_arguments(settings))


def _cpu_arguments(settings: EngineSettings) -> dict[str, Any]:
    return {
        "enforce_eager": True,  # compiling takes minutes and gains little on a small model
        # A prefill in pieces would rewind a seeded generator, which has no offset on the CPU.
        "enable_chunked_prefill": False,
        "max_num_batched_tokens": max(settings.max_model_len, 2048),
        # Whole blocks are shared between prompts: with 128, the default, half of the example turns
        # are read anew for each row (1.5 times the CPU time of a row).
        "block_size": 32,
    }


def _environment() -> dict[str, str]:
    """Return the variables that vLLM reads; the user's own win, but for telemetry."""
    wanted = {"VLLM_LOGGING_LEVEL": "ERROR", "VLLM_LOGGING_STREAM": "ext://sys.stderr"}
    if not _has_cuda():
        cpus = sorted(os.sched_getaffinity(0))
        wanted |= {
            # In one process a kill leaves nothing behind, it starts in half the time, and all
            # CPUs compute: with processes of its own vLLM keeps one back.
            "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
            "VLLM_CPU_OMP_THREADS_BIND": ",".join(map(str, cpus)),
            "VLLM_CPU_KVCACHE_SPACE": "2",  # GiB
        }
    return {
        **{name: os.environ.get(name, value) for name, value in wanted.items()},
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
    }


def _use_all_cpus() -> None:
    """By default torch leaves out the second thread of a core, on small machines half of it all."""
    import torch

    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(len(os.sched_getaffinity(0)))


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def _sampling_params(request: Request) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams

    pattern = request.reply_pattern
    return SamplingParams(
        temperature=request.sampling.temperature,
        min_p=request.sampling.min_p,
        max_tokens=request.sampling.max_tokens,
        seed=request.rng_seed,
        skip_special_tokens=True,
        output_kind=RequestOutputKind.FINAL_ONLY,
        structured_outputs=None if pattern is None else StructuredOutputsParams(regex=pattern),
    )


def _lora_arguments(adapter: Path) -> dict[str, Any]:
    config = adapter / "adapter_config.json"
    try:
        found = json.loads(config.read_text())
        rank = next(offered for offered in _LORA_RANKS if offered >= found["r"])
        modules = [*map(str, found["target_modules"])]
    except (OSError, ValueError, KeyError, TypeError, StopIteration) as exc:
        raise EngineError(
            f"{config}: not the config of a LoRA of rank {_LORA_RANKS[-1]} or less "
            f"({one_line(exc, 300)}); run the train stage again"
        ) from exc
    return {
        "enable_lora": True,
        # On the CPU a request without the LoRA is given the last slot's (its index is -1 there), so
        # that slot has to stay empty.
        "max_loras": 1 if _has_cuda() else 2,
        "max_lora_rank": rank,
        # Left to itself vLLM wraps the embedding layer too, and then can't run a batch of
        # embeddings and tokens (vllm issue 51122).
        "lora_target_modules": modules,
    }


def _lora_request(adapter: Path | None) -> Any:
    if adapter is None:
        return None
    from vllm.lora.request import LoRARequest

    return LoRARequest("adapter", 1, str(adapter.resolve()))


def _advice(exc: Exception) -> str:
    if not _MEMORY.search(str(exc)):
        return "check `llm:` in the config and run `balsa doctor`"
    space = (
        "gpu_memory_utilization"
        if _has_cuda()
        else "the environment's VLLM_CPU_KVCACHE_SPACE (GiB)"
    )
    return f"lower max_num_seqs or max_model_len in the config, or change {space}"
