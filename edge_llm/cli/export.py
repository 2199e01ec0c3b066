"""`edge-llm export`: a model as an Android app opens it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

from edge_llm.cli.options import AsJson, HomeFolder, ModelName
from edge_llm.cli.output import in_bytes, say, say_json
from runtimes.errors import ConfigError

if TYPE_CHECKING:
    from android_bridge.delivery import Pack
    from android_bridge.manifest import PhoneManifest
    from quantize.plan import Plan


OutDirectory: TypeAlias = Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="Where the phone's directory goes.")]
Opener: TypeAlias = Annotated[Literal["android"], typer.Option("--target", help="What opens it.")]
Device: TypeAlias = Annotated[
    str, typer.Option("--device", metavar="NAME", help="The phone whose memory must hold it, as `edge-llm plan` names them.")
]
Context: TypeAlias = Annotated[
    int | None, typer.Option("--context", metavar="N", min=1, help="Most tokens the app holds. Default: 2048.")
]
ActionFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--actions",
        metavar="FILE",
        help="A JSON file of the actions the model may propose. Default: the standard ones that Android carries out.",
    ),
]
Memory: TypeAlias = Annotated[
    float | None,
    typer.Option("--memory", metavar="GB", help="Memory of the device, where it is not the profile's."),
]
PacksDirectory: TypeAlias = Annotated[
    Path | None, typer.Option("--packs", metavar="DIR", help="Write Play Asset Delivery packs there as well.")
]
Address: TypeAlias = Annotated[
    str | None,
    typer.Option("--download", metavar="URL", help="Write download.json too, for files at this https address."),
]


def export(
    model: ModelName,
    out: OutDirectory,
    target: Opener = "android",
    device: Device = "snapdragon-8-gen3",
    memory: Memory = None,
    context: Context = None,
    actions: ActionFile = None,
    packs: PacksDirectory = None,
    download: Address = None,
    home: HomeFolder = None,
    as_json: AsJson = False,
) -> None:
    """Write a model as the Kotlin library opens it on Android.

    The directory holds the model, its vocabulary and phone.json: hashes, memory, turn format, stop tokens and actions. The
    chat template becomes data that is proven to say the same. A model that the device's memory would not hold is refused,
    with the numbers and what would fit.

    Examples:
        edge-llm export smollm2-135m-instruct -o phone
        edge-llm export out/onnx --device snapdragon-8-gen3 --memory 8 --context 4096 -o phone --packs packs
        edge-llm export model.gguf -o phone --download https://example.org/models/mine
    """
    from android_bridge.delivery import write_download, write_packs
    from edge_llm.actions.library import read_actions
    from edge_llm.cli.progress import ProgressDisplay
    from edge_llm.home import Home
    from edge_llm.phone import export_for_phone
    from quantize.targets import find_target

    if download is not None and not download.startswith("https://"):
        raise ConfigError(f"{download} is not an https address.")
    phone = find_target(device) if memory is None else find_target(device).with_memory(memory * 10**9)
    offered = None if actions is None else read_actions(actions)
    with ProgressDisplay() as progress:
        manifest, planned = export_for_phone(
            model,
            out,
            device=phone,
            context_length=context,
            actions=offered,
            home=Home(home),
            progress=progress.on_model_step,
        )
    written = () if packs is None else write_packs(out, packs)
    listing = None if download is None else write_download(out, download)
    document = _document(out, target, manifest, planned, written, listing)
    if as_json:
        say_json(document)
        return
    say(
        f"{out}: {manifest.format}, {in_bytes(document['bytes'])}; at {manifest.context_length} tokens it takes "
        f"{in_bytes(manifest.memory.total_bytes)} of the {in_bytes(planned.target.usable_bytes)} "
        f"that {planned.target.title} gives one app"
    )
    for pack in written:
        say(f"{packs}/{pack.name}: {in_bytes(pack.size)}")
    if listing is not None:
        say(f"{listing}: SHA-256 {document['download']['sha256']}")


def _document(
    out: Path, target: str, manifest: PhoneManifest, planned: Plan, packs: Sequence[Pack], listing: Path | None
) -> dict[str, Any]:
    from runtimes.bundle import hash_file

    return {
        "path": str(out),
        "target": target,
        "device": planned.target.name,
        "format": manifest.format,
        "bytes": sum(entry.size for entry in manifest.files.values()),
        "context_length": manifest.context_length,
        "memory_bytes": manifest.memory.total_bytes,
        "usable_bytes": planned.target.usable_bytes,
        "requires": dict(manifest.requires),
        "actions": [action["id"] for action in manifest.actions],
        "files": {name: {"size": entry.size, "sha256": entry.sha256} for name, entry in manifest.files.items()},
        "packs": [{"name": pack.name, "bytes": pack.size} for pack in packs],
        "download": None if listing is None else {"path": str(listing), "sha256": hash_file(listing)},
    }
