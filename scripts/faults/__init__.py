"""Kills, freezes and starves the parts of a site at work, and checks what became of its work."""
