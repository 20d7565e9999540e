"""Every setting, its default, and where its value in force comes from.

`Settings()` holds the defaults; `resolve()` reads files, the environment and options; so does `salvage()`, for a
program that must go on when some of them are wrong.
"""

from codeassist.settings.authors import Author
from codeassist.settings.layers import (
    REPOSITORY_FILE,
    Override,
    Resolved,
    defaults,
    locate,
    read_toml,
    resolve,
    salvage,
)
from codeassist.settings.sections import (
    RULES,
    CacheSettings,
    CompletionSettings,
    ContextSettings,
    EditorSettings,
    EditsSettings,
    FeedbackSettings,
    Folders,
    IndexSettings,
    ModelSettings,
    MonitorSettings,
    RemoteSettings,
    Settings,
    UserModel,
)

__all__ = [
    "REPOSITORY_FILE",
    "RULES",
    "Author",
    "CacheSettings",
    "CompletionSettings",
    "ContextSettings",
    "EditorSettings",
    "EditsSettings",
    "FeedbackSettings",
    "Folders",
    "IndexSettings",
    "ModelSettings",
    "MonitorSettings",
    "Override",
    "RemoteSettings",
    "Resolved",
    "Settings",
    "UserModel",
    "defaults",
    "locate",
    "read_toml",
    "resolve",
    "salvage",
]
