"""``scripts/with-slime PATH python -m examples.slime_custom_generate [+thunder=off]``: on a machine without GPUs."""

from __future__ import annotations

import sys

from examples import on_cpu
from recipes.slime_search.__main__ import require_slime


def main() -> None:
    """Run it."""
    mode = on_cpu.mode_of(__doc__)
    require_slime("examples.slime_custom_generate")

    def command(machine: on_cpu.Machine) -> list[str]:
        told = (mode, machine.folder, machine.out_dir, machine.model, machine.engine_url)
        return [sys.executable, "-m", "examples.slime_custom_generate.train", *map(str, told)]

    sys.exit(on_cpu.run("slime_custom_generate", command, dialect="sglang"))


if __name__ == "__main__":
    main()
