"""`codeassist dashboard`: a local page that shows what `status`, `stats` and `explain` say."""
