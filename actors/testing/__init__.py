"""What helps to test what is built on this package: probes, settling, steps, faults and crash reports.

The suites for implementations of a behaviour, such as `actors.testing.queue`, are imported by their own names.
"""

from actors.testing.crash_reports import capture_crash_reports
from actors.testing.expectation import ExpectationError
from actors.testing.faults import Fault, InjectedError, crash, delay, drop, duplicate, faulty
from actors.testing.hanging import HangError
from actors.testing.overhearing import Sent
from actors.testing.probe import Probe, start_probe
from actors.testing.received import Received
from actors.testing.settling import settled
from actors.testing.stepping import Step, step

__all__ = [
    "ExpectationError",
    "Fault",
    "HangError",
    "InjectedError",
    "Probe",
    "Received",
    "Sent",
    "Step",
    "capture_crash_reports",
    "crash",
    "delay",
    "drop",
    "duplicate",
    "faulty",
    "settled",
    "start_probe",
    "step",
]
