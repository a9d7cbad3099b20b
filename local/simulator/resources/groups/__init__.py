"""Groups, their owners and members."""
