"""Accuracy and speed, figure beside target: `python -m benchmarks [NAME] [--small]`."""
