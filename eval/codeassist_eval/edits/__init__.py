"""Next edits measured on tasks from real commits: tasks, what is proposed, figures."""
