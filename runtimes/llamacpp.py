"""llama.cpp as a runtime: GGUF files through the low-level API of llama-cpp-python.

Knows llama.cpp's batches, memory and state functions (include/llama.h). Knows no text: llama.cpp's own tokenizer,
templates and samplers stay unused, so that answers do not depend on the runtime.
"""

from __future__ import annotations

import ctypes
from collections import deque
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from runtimes.contract import Capabilities, RuntimeStatus
from runtimes.errors import BundleError, PromptError, RuntimeFailedError, RuntimeUnavailableError, UnsupportedModelError
from runtimes.gguf import read_header
from runtimes.session import CheckedSession, context_length_of, fingerprint
from runtimes.threads import available_cores

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from runtimes.bundle import Bundle
    from runtimes.contract import Logits, Runtime, RuntimeConfig

_INSTALL = 'Install it with: pip install "edge-llm[llamacpp]" (compiles for some minutes).'
_BATCH = 512
"""Tokens a llama_decode call takes: one physical batch, llama.cpp's own default."""
_FIRST_CELLS = 1024
"""KV cells to begin with. llama.cpp zeroes all of them when a context is made, so a long limit is not paid up front."""
_SEQUENCE = 0
_ROW_COST = 0.6
"""Capabilities.row_cost. SmolLM2-135M Q4_0 after 600 tokens, AVX2, 2 threads: 8.4 ms for one token, 13.8 for two, 18.3 for
four, 28.8 for eight."""
_LOG_LEVEL_ERROR = 4  # GGML_LOG_LEVEL_ERROR and _CONT of ggml.h
_LOG_LEVEL_CONTINUED = 5
_FLASH_ATTENTION_AUTO = -1
_FLASH_ATTENTION_OFF = 0
_DAMAGED = "llama.cpp refused the snapshot: it is damaged. Feed the text again."


class _Log:
    """Receives what llama.cpp would print to stderr and keeps the last error lines, which say why a call failed."""

    def __init__(self, library: ModuleType) -> None:
        self._lines: deque[str] = deque(maxlen=4)
        self._level = 0
        # ctypes frees a callback that nobody refers to while C still calls it, so it lives as long as this object
        self._callback = library.llama_log_callback(self._receive)
        library.llama_log_set(self._callback, ctypes.c_void_p(0))

    def _receive(self, level: int, text: bytes, _data: object) -> None:
        self._level = self._level if level == _LOG_LEVEL_CONTINUED else level
        if self._level == _LOG_LEVEL_ERROR and text.strip():
            self._lines.append(text.decode("utf-8", "replace").strip())

    def forget(self) -> None:
        self._lines.clear()

    def reason(self) -> str:
        """The errors since `forget`, as one clause."""
        return "; ".join(self._lines) or "it gave no reason"


@cache
def _load_library() -> tuple[ModuleType, _Log]:
    """llama_cpp with its log silenced, loaded once: the library is one per process, and so is its log."""
    try:
        import llama_cpp
    except (ImportError, OSError, RuntimeError) as error:
        raise RuntimeUnavailableError(f"The llamacpp runtime needs llama-cpp-python: {error}. {_INSTALL}") from error
    log = _Log(llama_cpp)
    llama_cpp.llama_backend_init()
    return llama_cpp, log


def _uses_amx(library: ModuleType) -> bool:
    """Whether llama.cpp would lay weights out for Intel's AMX tiles.

    Compiled by GCC 12, its AMX kernels end the process at the first prompt (ggml-org/llama.cpp#20824): that compiler drops
    most of the tile configuration the kernels write before they load it. A binary does not say what compiled it, so
    such builds keep the plain layout, which is slower and sound. scripts/llama_wheel.sh builds without AMX.
    """
    return b"AMX_INT8 = 1" in library.llama_print_system_info()


class LlamaCppSession(CheckedSession):
    """One GGUF model and one llama.cpp context, whose KV cache grows in steps up to the context length."""

    def __init__(self, bundle: Bundle, limit: int, threads: int) -> None:
        """Load the model. Raises RuntimeUnavailableError, RuntimeFailedError, UnsupportedModelError or BundleError."""
        self._library, self._log = _load_library()
        self._bundle = bundle
        self._threads = threads
        self._identity: bytes | None = None
        self._context: Any = None
        self._model = self._load_model(bundle.model_path)
        try:
            super().__init__(self._find_capabilities(limit))
            # long-context RoPE factors are chosen by the context's size, so a growing context would change the model
            grows = "rope_factors_long.weight" not in read_header(bundle.model_path).tensors
            self._cells = min(_FIRST_CELLS, limit) if grows else limit
            self._context = self._new_context(self._cells)
        except BaseException:
            self._release()
            raise
        self._prepare_batch()

    def _load_model(self, path: Path) -> Any:
        self._log.forget()
        params = self._library.llama_model_default_params()
        params.use_extra_bufts = not _uses_amx(self._library)
        model = self._library.llama_model_load_from_file(str(path).encode(), params)
        if not model:
            # the header was checked and its sizes hold, so what is left is a model that llama.cpp has no code for
            raise UnsupportedModelError(f"llama.cpp cannot load {path}: {self._log.reason()}. Choose another model or runtime.")
        return model

    def _find_capabilities(self, limit: int) -> Capabilities:
        library, model, path = self._library, self._model, self._bundle.model_path
        if (
            library.llama_model_has_encoder(model)
            or not library.llama_model_has_decoder(model)
            or library.llama_model_is_diffusion(model)
        ):
            raise UnsupportedModelError(f"{path} is not a decoder-only language model. Choose a model that generates text.")
        vocabulary_size = library.llama_vocab_n_tokens(library.llama_model_get_vocab(model))
        if vocabulary_size != self._bundle.manifest.vocabulary_size:
            raise BundleError(
                f"{path} has {vocabulary_size} tokens and its manifest says {self._bundle.manifest.vocabulary_size}. "
                "Quantize or pull the model again."
            )
        # a recurrent state holds all of the past at once: it cannot forget only its end
        rewind = not (library.llama_model_is_recurrent(model) or library.llama_model_is_hybrid(model))
        return Capabilities(limit, vocabulary_size, rewind=rewind, snapshot=True, row_cost=_ROW_COST)

    def _new_context(self, cells: int) -> Any:
        self._log.forget()
        params = self._library.llama_context_default_params()
        params.n_ctx = cells
        params.n_batch = params.n_ubatch = _BATCH
        params.n_threads = params.n_threads_batch = self._threads
        # on a CPU flash attention prefills faster (575 ms for 512 tokens of SmolLM2-135M, 723 without) and decodes much slower
        # (16.4 ms a token, 10.4 without; 2 threads), and a context cannot change it between the two
        on_gpu = self._library.llama_supports_gpu_offload()
        params.flash_attn_type = _FLASH_ATTENTION_AUTO if on_gpu else _FLASH_ATTENTION_OFF
        params.swa_full = True  # a cache cut to the sliding window could not rewind
        params.no_perf = True
        context = self._library.llama_init_from_model(self._model, params)
        if not context:
            raise RuntimeFailedError(
                f"llama.cpp cannot make a context of {cells} tokens for {self._bundle.model_path}: {self._log.reason()}. "
                "Close other programs, or open the model with a shorter context."
            )
        self._memory = self._library.llama_get_memory(context)
        return context

    def _prepare_batch(self) -> None:
        """One batch for the session's life, seen as arrays: filling it per call costs nothing then."""
        batch = self._library.llama_batch_init(_BATCH, 0, 1)
        self._batch = batch
        self._batch_ids = np.ctypeslib.as_array(batch.token, (_BATCH,))
        self._batch_positions = np.ctypeslib.as_array(batch.pos, (_BATCH,))
        self._batch_wanted = np.ctypeslib.as_array(batch.logits, (_BATCH,))
        for slot in range(_BATCH):
            batch.n_seq_id[slot] = 1
            batch.seq_id[slot][0] = _SEQUENCE

    def _append(self, ids: npt.NDArray[np.int64], rows: int) -> Logits:
        self._reserve(self._position + ids.size)
        logits = np.empty((rows, self._capabilities.vocabulary_size), np.float32)
        # llama.cpp undoes the batch that fails, but not the ones before it; where the tail cannot be dropped, keep the whole
        before = self._save() if ids.size > _BATCH and not self._capabilities.rewind else None
        first_wanted = ids.size - rows
        for start in range(0, ids.size, _BATCH):
            chunk = ids[start : start + _BATCH]
            wanted_from = max(0, first_wanted - start)
            code = self._decode(chunk, self._position + start, wanted_from)
            if code != 0:
                self._undo(before)
                raise RuntimeFailedError(
                    f"llama.cpp failed on {chunk.size} tokens at position {self._position + start} (code {code}): "
                    f"{self._log.reason()}. Nothing was added; try a shorter context or another runtime."
                )
            if wanted_from < chunk.size:
                row = start + wanted_from - first_wanted
                self._copy_logits(logits[row : row + chunk.size - wanted_from])
        return logits

    def _decode(self, chunk: npt.NDArray[np.int64], position: int, wanted_from: int) -> int:
        """llama_decode on one batch, with logits from `wanted_from` on. Returns its code, 0 when all went well."""
        self._log.forget()
        size = chunk.size
        self._batch.n_tokens = size
        self._batch_ids[:size] = chunk
        self._batch_positions[:size] = np.arange(position, position + size)
        self._batch_wanted[:wanted_from] = 0
        self._batch_wanted[wanted_from:size] = 1
        return int(self._library.llama_decode(self._context, self._batch))

    def _copy_logits(self, into: Logits) -> None:
        """The rows asked for lie one after the other in llama.cpp's own buffer, which the next call overwrites."""
        source = self._library.llama_get_logits(self._context)
        if not source:
            raise RuntimeFailedError(f"llama.cpp returned no logits for {self._bundle.model_path}: {self._log.reason()}.")
        ctypes.memmove(into.ctypes.data, source, into.nbytes)

    def _undo(self, before: bytes | None) -> None:
        if before is not None:
            self._set_state(before)
        else:
            self._library.llama_memory_seq_rm(self._memory, _SEQUENCE, self._position, -1)

    def _reserve(self, tokens: int) -> None:
        """Make room for `tokens`: a context cannot grow, so a larger one takes over the state of this one."""
        if tokens <= self._cells:
            return
        cells = min(max(tokens, 2 * self._cells), self._capabilities.context_length)
        state = self._save() if self._position else None
        old, old_memory = self._context, self._memory
        context = self._new_context(cells)
        self._context = context
        if state is not None and not self._set_state(state):
            self._library.llama_free(context)
            self._context, self._memory = old, old_memory
            raise RuntimeFailedError(
                f"llama.cpp could not move its cache to a context of {cells} tokens. Open the model again."
            )
        self._library.llama_free(old)
        self._cells = cells

    def _keep(self, tokens: int) -> int:
        if tokens and self._capabilities.rewind and self._library.llama_memory_seq_rm(self._memory, _SEQUENCE, tokens, -1):
            return tokens
        self._clear()
        return 0

    def _fingerprint(self) -> bytes:
        if self._identity is None:
            # the bytes of a state are llama.cpp's own and change with its version
            self._identity = fingerprint(self._bundle, f"{LlamaCppRuntime.name} {self._library.__version__}")
        return self._identity

    def _save(self) -> bytes:
        size = self._library.llama_state_seq_get_size(self._context, _SEQUENCE)
        buffer = (ctypes.c_uint8 * size)()
        written = self._library.llama_state_seq_get_data(self._context, buffer, size, _SEQUENCE)
        return bytes(memoryview(buffer)[:written])

    def _load(self, payload: memoryview, tokens: int) -> None:
        self._reserve(tokens)
        before = self._save()
        held = self._library.llama_memory_seq_pos_max(self._memory, _SEQUENCE) + 1 if self._set_state(payload) else -1
        if held != tokens:
            self._set_state(before)
            raise PromptError(_DAMAGED)

    def _set_state(self, state: bytes | memoryview) -> bool:
        self._log.forget()
        self._clear()
        buffer = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
        return bool(self._library.llama_state_seq_set_data(self._context, buffer, len(state), _SEQUENCE))

    def _clear(self) -> None:
        self._library.llama_memory_seq_rm(self._memory, _SEQUENCE, -1, -1)

    def _release(self) -> None:
        if self._context:
            self._library.llama_batch_free(self._batch)
            self._library.llama_free(self._context)
        self._library.llama_model_free(self._model)
        self._context = self._model = None


class LlamaCppRuntime:
    """The runtime behind `--runtime llamacpp`."""

    name = "llamacpp"
    formats = frozenset({"gguf"})

    def describe(self) -> RuntimeStatus:
        """Version of llama-cpp-python, and where it computes."""
        try:
            library, _ = _load_library()
        except RuntimeUnavailableError:
            return RuntimeStatus(self.name, installed=False, hint=_INSTALL)
        providers = ("CPU", "GPU") if library.llama_supports_gpu_offload() else ("CPU",)
        return RuntimeStatus(self.name, installed=True, version=library.__version__, providers=providers)

    def open(self, bundle: Bundle, config: RuntimeConfig) -> LlamaCppSession:
        """Check the header, then load (see `contract.Runtime.open`)."""
        header = read_header(bundle.model_path)
        limit = context_length_of(config, min(header.context_length, bundle.manifest.context_length))
        return LlamaCppSession(bundle, limit, config.threads or available_cores())


RUNTIME: Runtime = LlamaCppRuntime()
