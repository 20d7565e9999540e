"""Settings that earlier versions had, and what holds in their place.

A place that still sets some is told so in one line; everything else that it says holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

REMOVED: Mapping[str, str] = {
    "completion.temperature": "the likeliest text is always taken",
    "completion.seed": "the likeliest text is always taken, so that nothing is drawn",
    "completion.min_confidence": "what comes by itself is held to editor.min_confidence; what is asked for is shown",
    "context.snippet_share": 'snippets take half of the prompt at most; context.mode = "none" leaves them out',
    "index.max_file_kib": "files above 512 KiB are not indexed",
    "index.cache_dir": "indexes lie in the cache folder, which CODEASSIST_HOME or XDG_CACHE_HOME moves",
    "cache.refresh_tokens": "8 tokens on each side of the cursor are computed again after an edit",
    "cache.heal": "an idle machine makes corrected states exact again",
    "editor.alternatives": "who asks for suggestions gets three at most",
    "remote.connect_ms": "a connection may take 2 s",
    "remote.first_token_ms": "a server may be silent for a third of remote.timeout_ms",
    "remote.proxy": "HTTPS_PROXY, HTTP_PROXY and NO_PROXY in the environment say which proxy is asked",
    "remote.retries": "a request that failed is sent again twice",
}


def removal_note(where: str, keys: Sequence[str]) -> str:
    """Return what is said once of all removed settings that the place `where` sets."""
    gone = "; ".join(f"{key}: {REMOVED[key]}" for key in dict.fromkeys(keys))
    return f"{where}: sets what is no setting any more; remove it ({gone})"
