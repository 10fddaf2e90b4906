"""The API at /api/v1/: input to a service, and rows to JSON. docs/api.md is for its users."""
