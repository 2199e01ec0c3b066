"""What an exported ONNX model makes of given tokens, all in one pass: `MODEL SEQUENCES OUT KERNELS`.

Each line of SEQUENCES is `prompt ids | answer ids`. The logits that would choose each token of the answer go to OUT as
little-endian float32. KERNELS is `faithful`, the products that runtimes/ort_graph.py asks for, or `tuned`, those that
onnxruntime takes unasked. Needs numpy and onnxruntime and nothing of this project: it runs on an arm64 Python under
emulation too.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort


def main() -> None:
    model, sequences, out, kernels = sys.argv[1:]
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4  # the emulated /proc tells the runtime less than it would like to know
    if kernels == "faithful":
        options.add_session_config_entry("mlas.disable_kleidiai", "1")
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    past = {}
    for entry in session.get_inputs():
        if entry.name.startswith("past_key_values."):
            _, heads, _, width = entry.shape
            past[entry.name] = np.zeros((1, heads, 0, width), np.float32)
    with Path(sequences).open(encoding="ascii") as lines, Path(out).open("wb") as file:
        for line in lines:
            prompt, answer = ([int(word) for word in side.split()] for side in line.split("|"))
            ids = np.array([prompt + answer[:-1]], np.int64)
            inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), **past}
            (logits,) = session.run(["logits"], inputs)
            logits[0, len(prompt) - 1 :].astype("<f4").tofile(file)


if __name__ == "__main__":
    main()
