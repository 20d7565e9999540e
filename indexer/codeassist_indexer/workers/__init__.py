"""Processes that read hostile text for this one: started, limited, confined, killed when they hang."""
