"""What carries alerts out of the house: one module a kind of channel, none of which knows a row."""
