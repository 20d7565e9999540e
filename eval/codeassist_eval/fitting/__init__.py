"""How a model's answers come out in the file, measured with files that were finished: no model is needed."""
