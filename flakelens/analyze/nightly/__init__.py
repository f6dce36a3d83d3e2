"""What the nightly report asks of the store and the statistics besides the reports of single commands."""
