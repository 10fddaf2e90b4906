"""What connects to others: what carries alerts out of the house, and where files are kept.

One module a kind of channel, none of which knows a row; what they share with other connections to
machines that somebody named, `reach` and `wire`; and `bucket`, a storage on another machine.
"""
