"""The prompts and answers of models that were trained for edits, and of any that chats: a form each. Pure text."""
