"""The door of the house: bytes or a path in, a checked picture or recording out."""
