"""Documents for a terminal, one module each: Report -> str."""
