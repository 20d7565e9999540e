"""A model's answer fitted to the text around the cursor."""
