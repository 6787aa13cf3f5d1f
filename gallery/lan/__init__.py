"""Sharing the gallery on the local network: addresses, a certificate, a passcode, and the door that asks for it."""
