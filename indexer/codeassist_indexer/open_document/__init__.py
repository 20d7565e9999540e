"""What is read of a document that is being edited, by a process that its text may crash, hang or take over."""
