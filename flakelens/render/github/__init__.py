"""What GitHub Actions reads: annotations, step summaries and outputs."""
