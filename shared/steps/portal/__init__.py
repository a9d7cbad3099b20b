"""What owners see and do: groups, guests, templates, mail previews."""
