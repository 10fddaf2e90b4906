"""Makes a version of a model from a store's reviews, in a process of its own.

It needs what training and audits need, which what serves must not load. It knows no Django.
"""
