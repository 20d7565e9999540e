"""`codeassist complete` and `codeassist demo`: the cursor, the text, the answer as it is printed."""
