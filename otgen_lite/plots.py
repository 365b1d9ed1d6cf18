"""The pictures of the book."""
