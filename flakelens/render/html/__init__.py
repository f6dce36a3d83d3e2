"""The nightly report as a page: one file that asks for nothing else, in which everything from a report is text."""

from flakelens.render.html.page import nightly_page, nights_page, sheet_page

__all__ = ["nightly_page", "nights_page", "sheet_page"]
