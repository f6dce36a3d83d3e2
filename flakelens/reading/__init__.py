"""Reports of folders, masked, in order: in this process or by worker processes, with the same outcome.

`Here` reads in this process. `Workers` reads ahead in others,
which send back what they parsed by column; what is small, comes from standard input or was sent to a worker that died
is read here after all.
"""

from flakelens.reading.here import Here, Known
from flakelens.reading.workers import Folder, Workers, worth_it

__all__ = ["Folder", "Here", "Known", "Workers", "worth_it"]
