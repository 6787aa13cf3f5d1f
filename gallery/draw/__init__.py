"""Results onto pictures."""
