"""What a place becomes: rules without a model, and models in the forms that they know edits by."""
