"""From one source, everything that an instructor hands out, keeps and grades with."""
