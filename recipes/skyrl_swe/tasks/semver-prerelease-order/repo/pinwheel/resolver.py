"""The search for a set of versions."""
from .requirement import Requirement
from .version import Version


class ResolutionError(Exception):
    """There is no version of a package that meets all requirements."""


def resolve(index, wanted):
    """Return one version for each package that is needed, directly or not."""
    pending = [(name, Requirement(text)) for name, text in wanted.items()]
    return _search(index, pending, {}, {})


def _search(index, pending, chosen, known):
    """Process the pending requirements in order, going back when stuck."""
    if not pending:
        return chosen
    (name, requirement), *rest = pending
    known = {**known, name: known.get(name, []) + [requirement]}
    if name in chosen:
        if not requirement.allows(chosen[name]):
            raise ResolutionError(f"{name} {chosen[name]} does not meet {requirement.text}")
        return _search(index, rest, chosen, known)
    failure = ResolutionError(f"no version of {name} meets {requirement.text}")
    for version in index.candidates(name, known[name]):
        needs = list(index.dependencies(name, version).items())
        try:
            return _search(index, rest + needs, {**chosen, name: version}, known)
        except ResolutionError as error:
            failure = error
    raise failure


def available_update(index, name, installed, requirement="*"):
    """Return the newest version if it is newer than the installed one, or None."""
    candidates = index.candidates(name, [Requirement(requirement)])
    if candidates and candidates[0] > Version.parse(installed):
        return candidates[0]
    return None
