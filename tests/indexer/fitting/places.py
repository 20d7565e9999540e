"""What tests of fitting share."""

from codeassist_indexer.fitting.trim import fit


def inserted(place: str, answer: str, path: str) -> str:
    """The whole text after an editor that can replace closers has taken the suggestion at `│`."""
    prefix, _, suffix = place.partition("│")
    fitted = fit(answer, prefix, suffix, path)
    return prefix + fitted.text + suffix[fitted.num_replaced :]
