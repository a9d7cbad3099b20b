"""Bulk import: taking a file, reading it in pieces, its chunks, what people do with it, and taking it back."""
