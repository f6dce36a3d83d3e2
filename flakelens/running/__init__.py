"""A test command, run as it is: reporters switched on around it, its signals passed on, its reports found after it."""

from flakelens.running.child import Ended, run_child
from flakelens.running.fresh import Found, Places, look
from flakelens.running.tools import Preparation, prepare

__all__ = ["Ended", "Found", "Places", "Preparation", "look", "prepare", "run_child"]
