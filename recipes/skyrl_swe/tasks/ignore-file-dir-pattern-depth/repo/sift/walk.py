"""Walk a directory tree and leave out what is ignored."""

import os

from .ignorefile import IgnoreFile, IgnoreSet

IGNORE_NAME = ".siftignore"


def load_ignore_files(root):
    """Collect every ignore file below a root into one set."""
    files = []
    for folder, _, names in os.walk(root):
        if IGNORE_NAME in names:
            relative = os.path.relpath(folder, root).replace(os.sep, "/")
            with open(os.path.join(folder, IGNORE_NAME), encoding="utf-8") as stream:
                text = stream.read()
            files.append(IgnoreFile.from_text(text, "" if relative == "." else relative))
    return IgnoreSet(files)


def kept_files(root, ignore=None):
    """Yield the relative paths of all files that are not ignored, sorted."""
    if ignore is None:
        ignore = load_ignore_files(root)
    for folder, subfolders, names in os.walk(root):
        relative = os.path.relpath(folder, root).replace(os.sep, "/")
        prefix = "" if relative == "." else relative + "/"
        subfolders[:] = sorted(
            name for name in subfolders if not ignore.is_ignored(f"{prefix}{name}/")
        )
        for name in sorted(names):
            if not ignore.is_ignored(prefix + name):
                yield prefix + name
