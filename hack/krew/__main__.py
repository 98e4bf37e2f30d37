"""`python -m krew --url URL`: write the archives and the manifest."""

import hashlib
from importlib.metadata import version as version_of
from pathlib import Path

import click
import yaml

from krew.archive import PROJECT, build
from krew.manifest import NAME, archive_name, manifest
from krew.platforms import PLATFORMS, PYTHONS


@click.command()
@click.option("--url", required=True, help="Where the archives will be found: https://…")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=PROJECT / "dist" / "krew",
    help="Folder to write to.",
)
@click.option(
    "--platform",
    "platforms",
    type=click.Choice([str(platform) for platform in PLATFORMS]),
    multiple=True,
    help="Only for this one; may be repeated.",
)
@click.option(
    "--python",
    "pythons",
    type=click.Choice(PYTHONS),
    multiple=True,
    help="Only for this one; may be repeated.",
)
def main(url: str, out: Path, platforms: tuple[str, ...], pythons: tuple[str, ...]) -> None:
    """Write the archives and the manifest by which krew installs `kubectl trading`."""
    version = version_of("trading-operator")
    out.mkdir(parents=True, exist_ok=True)
    digests = {}
    for platform in PLATFORMS:
        if platforms and str(platform) not in platforms:
            continue
        archive = out / archive_name(version, platform)
        build(platform, pythons or PYTHONS, version, archive)
        digests[platform] = hashlib.sha256(archive.read_bytes()).hexdigest()
        click.echo(f"{archive}: {archive.stat().st_size / 2**20:.1f} MiB")
    path = out / f"{NAME}.yaml"
    path.write_text(yaml.safe_dump(manifest(version, url.rstrip("/"), digests), sort_keys=False))
    click.echo(path)


if __name__ == "__main__":
    main()
