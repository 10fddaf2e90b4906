"""One module a kind of resource."""
