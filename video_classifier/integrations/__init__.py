"""What carries alerts out of the house: one module a kind of channel, none of which knows a row.

And what they share with other connections to machines that somebody named: `reach` and `wire`.
"""
