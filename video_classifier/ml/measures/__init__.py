"""What scores of unlabelled footage can promise: rates, thresholds of one camera, drift, groups.

NumPy alone: services, scripts and training may import it.
"""
