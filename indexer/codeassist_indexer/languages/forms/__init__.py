"""What the languages' files are written with: rows of tables, readers of nodes, values that parsing yields."""
