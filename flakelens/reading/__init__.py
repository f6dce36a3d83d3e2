"""Reports of folders, masked, in order: in this process or by worker processes, with the same outcome.

`Here` reads in this process. `Workers` reads ahead in others,
which send back what they parsed by column; what is small, comes from standard input or was sent to a worker that died
is read here after all.
"""
