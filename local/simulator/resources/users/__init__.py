"""Users: guests and members."""
