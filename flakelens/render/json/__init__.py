"""The frozen JSON views, one module each: Report -> str."""
