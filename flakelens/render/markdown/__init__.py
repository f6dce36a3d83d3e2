"""Documents as Markdown, one module each: Report -> str."""
