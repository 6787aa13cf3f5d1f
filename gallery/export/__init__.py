"""Results into files that other tools open."""
