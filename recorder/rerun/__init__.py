"""A recorded run, run again by the program's own code, with models and tools answering from the recording."""

from recorder.rerun.calls import CallName
from recorder.rerun.report import Report
from recorder.rerun.run import Rerun, rerun

__all__ = ["CallName", "Report", "Rerun", "rerun"]
