"""The arguments and options that several commands share, each spelled and explained once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from edge_llm.memory.items import Kind

_ENGINE = "Engine"
_SAMPLING = "Sampling"
_STORE = "Store"

ModelName: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A name (`edge-llm models` lists them), hf:owner/repo, a bundle, a .gguf file or a Hugging Face directory.",
    ),
]
AsJson: TypeAlias = Annotated[
    bool,
    typer.Option("--json", help="Print JSON on stdout and nothing else; errors too, as {error: {type, message}}."),
]
HomeFolder: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--home",
        envvar="EDGE_LLM_HOME",
        show_envvar=True,
        metavar="DIR",
        help="Where models are kept, shared by every app that uses edge-llm. Default: this user's data folder.",
    ),
]
RuntimeName: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--runtime",
        metavar="NAME",
        help="What runs the model: onnx or llamacpp. Default: what opens it, onnx where both can.",
        rich_help_panel=_ENGINE,
    ),
]
Threads: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--threads",
        metavar="N",
        min=1,
        help="Worker threads. Default: the cores this process may use.",
        rich_help_panel=_ENGINE,
    ),
]
ContextLength: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--context",
        metavar="N",
        min=1,
        help="Most tokens to hold, prompt and answer together. Default: the model's limit.",
        rich_help_panel=_ENGINE,
    ),
]
Exact: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--exact",
        help="Give the greedy tokens of onnxruntime-genai or llama.cpp, at its speed: no speculation, one graph.",
        rich_help_panel=_ENGINE,
    ),
]
MaxTokens: TypeAlias = Annotated[
    int | None,
    typer.Option("--max-tokens", metavar="N", min=1, help="Longest answer, in tokens. Default: until the model stops."),
]
SystemText: TypeAlias = Annotated[
    str | None,
    typer.Option("--system", metavar="TEXT", help="System message: how the model should behave. Default: the model's own."),
]
Stop: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--stop", metavar="TEXT", help="End the answer before this text. May be given several times."),
]
SchemaFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--schema", metavar="FILE", help="Answer in JSON of the form that this file, a JSON schema, describes."),
]
Logprobs: TypeAlias = Annotated[
    int,
    typer.Option(
        "--logprobs", metavar="N", min=0, help="With --json: how likely each token was, and the N likeliest ones in its place."
    ),
]
Temperature: TypeAlias = Annotated[
    float,
    typer.Option(
        "--temperature",
        metavar="X",
        min=0.0,
        help="0 always takes the likeliest token; higher is more varied.",
        rich_help_panel=_SAMPLING,
    ),
]
TopK: TypeAlias = Annotated[
    int,
    typer.Option(
        "--top-k", metavar="N", min=0, help="Choose among the K likeliest tokens; 0 takes all.", rich_help_panel=_SAMPLING
    ),
]
TopP: TypeAlias = Annotated[
    float,
    typer.Option(
        "--top-p",
        metavar="X",
        min=0.0,
        max=1.0,
        help="Choose among the likeliest tokens that hold this probability together.",
        rich_help_panel=_SAMPLING,
    ),
]
MinP: TypeAlias = Annotated[
    float,
    typer.Option(
        "--min-p",
        metavar="X",
        min=0.0,
        max=1.0,
        help="Drop tokens less likely than this share of the likeliest one.",
        rich_help_panel=_SAMPLING,
    ),
]
RepetitionPenalty: TypeAlias = Annotated[
    float,
    typer.Option(
        "--repetition-penalty",
        metavar="X",
        help="Above 1 disfavours tokens that were used recently.",
        rich_help_panel=_SAMPLING,
    ),
]
Seed: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--seed",
        metavar="N",
        help="The same seed gives the same answer. Default: a new one each time.",
        rich_help_panel=_SAMPLING,
    ),
]
StoreFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--store",
        envvar="EDGE_LLM_MEMORY",
        show_envvar=True,
        metavar="FILE",
        help="The memory's file. Default: memory/memory.db where models are kept.",
        rich_help_panel=_STORE,
    ),
]
KeyFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        metavar="FILE",
        help="A file with the key: 64 hexadecimal digits or 32 bytes. Default: $EDGE_LLM_MEMORY_PASSPHRASE, or the keyring.",
        rich_help_panel=_STORE,
    ),
]
AskPassphrase: TypeAlias = Annotated[
    bool,
    typer.Option("--passphrase", help="Ask for a passphrase instead of looking in the keyring.", rich_help_panel=_STORE),
]
MemoryHome: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--home",
        envvar="EDGE_LLM_HOME",
        show_envvar=True,
        metavar="DIR",
        help="Where models and memory are kept. Default: this user's data folder.",
        rich_help_panel=_STORE,
    ),
]
OfSource: TypeAlias = Annotated[
    str | None,
    typer.Option("--source", metavar="NAME", help="Only what came from this file, folder or conversation."),
]
OfPerson: TypeAlias = Annotated[
    str | None,
    typer.Option("--person", metavar="WHO", help="Only what involves this person: a name, number or address."),
]
Since: TypeAlias = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="Not older than this: 2024-05-31, or words such as `last Monday`."),
]
Until: TypeAlias = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", help="Not newer than this; a day counts to its end."),
]
OfKind: TypeAlias = Annotated[
    Kind | None,
    typer.Option("--kind", help="Only this kind of item."),
]
AsAssistant: TypeAlias = Annotated[
    bool, typer.Option("--assistant", help="Let it act: it proposes what you ask for, and does it once you agree.")
]
WithMemory: TypeAlias = Annotated[
    bool,
    typer.Option("--memory", help="Answer from your own data, and say which items an answer leans on.", rich_help_panel=_STORE),
]
Remember: TypeAlias = Annotated[
    bool,
    typer.Option("--remember", help="Keep what is said in memory, for later conversations.", rich_help_panel=_STORE),
]
