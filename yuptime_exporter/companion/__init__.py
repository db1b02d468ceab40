"""`yuptime`, the companion of the exporter on the machines of jobs.

A job must not wait for its reporter. So this room needs only the standard library, and imports each
part of it when a command uses that part.
"""
