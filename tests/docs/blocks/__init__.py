"""The code and shell blocks of README.md, docs/ and examples/*/README.md are run, page by page, in order.

A block of ``bash`` or ``python`` is executed as it stands, in a folder of the page's own in which the checkout's relative paths
work, with ``thunderagent`` on the PATH. Before it is a gateway with an embedded engine, http://127.0.0.1:8300 (the engine alone:
8301); free ports take the place of these. Python blocks of a page share their names, and may ``await`` at their top level. What a
reader would fill in (a model's name) is asked of the gateway in the block itself.

A comment in the line directly before the fence says otherwise:

    <!-- test: gpu -->                      needs GPUs, hosts or frameworks that are not here. Options and values of our commands
                                            are parsed and Hydra's groups composed; Python is type-checked
    <!-- test: background -->               one command that stays: it runs until the page ends, and the next block comes once it
                                            answers. A gateway is the one at 8300 from then on
    <!-- test: elsewhere, PATH::TEST -->    this test runs the very same command, as it takes minutes
    <!-- test: no, REASON -->               not run; our commands in it are parsed all the same

Commands that could change more than the page's folder (they install, remove sandboxes, are other programs) are never run:
without a mark, such a block is an error. Blocks of ``json``, ``toml`` and ``yaml`` are parsed. Every fence names its language,
``text`` if it has none.

``pages`` reads them, ``running`` runs them, ``checking`` looks at what is not run.
"""
