"""A camera that isn't there: real clips as a live stream, with faults on demand."""
