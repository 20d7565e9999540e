"""Every setting, its default, and where its value in force comes from.

Knows no model and no command. `Settings()` holds the defaults; `resolve()` reads files, the environment and options.
"""

from codeassist.settings.layers import REPOSITORY_FILE, Override, Resolved, defaults, locate, resolve
from codeassist.settings.sections import (
    RULES,
    CacheSettings,
    CompletionSettings,
    ContextSettings,
    IndexSettings,
    ModelSettings,
    Places,
    Settings,
    UserModel,
)

__all__ = [
    "REPOSITORY_FILE",
    "RULES",
    "CacheSettings",
    "CompletionSettings",
    "ContextSettings",
    "IndexSettings",
    "ModelSettings",
    "Override",
    "Places",
    "Resolved",
    "Settings",
    "UserModel",
    "defaults",
    "locate",
    "resolve",
]
