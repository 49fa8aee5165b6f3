"""Supervision trees, exact to Erlang/OTP: supervisors, their specifications, and `launch`, which runs a tree."""

import typing as _typing

from actors.clash import refuse_a_mixed_install as _refuse_a_mixed_install
from actors.front_door import open_on_use as _open_on_use

# Before anything of this package is looked for, and also where `actors` is not ours any more.
_refuse_a_mixed_install()

if _typing.TYPE_CHECKING:
    from supervision.calls import (
        CountChildren,
        DeleteChild,
        GetChildSpec,
        Reconfigure,
        RestartChild,
        StartChild,
        TerminateChild,
        WhichChild,
        WhichChildren,
        count_children,
        delete_child,
        get_child_spec,
        reconfigure,
        restart_child,
        start_child,
        terminate_child,
        which_child,
        which_children,
    )
    from supervision.children import ChildCounts, ChildInfo
    from supervision.configuration import Configuration, configured_services, load_configuration
    from supervision.dynamic import DynamicSupervisor
    from supervision.errors import (
        AlreadyPresentError,
        AlreadyStartedError,
        BadSpecError,
        ChildNotFoundError,
        ChildRestartingError,
        ChildRunningError,
        ChildStartError,
        MaxChildrenError,
        SupervisionError,
        TreeGaveUpError,
        UnsupportedRequestError,
    )
    from supervision.launcher import launch
    from supervision.report import DelayReport, ProgressReport, SupervisorReport
    from supervision.services import service_tree
    from supervision.spec import ChildSpec, SupervisorSpec
    from supervision.supervisor import Supervisor
    from supervision.telemetry import LogOptions, PrometheusOptions, Telemetry, TelemetryOptions
else:
    __getattr__, __dir__ = _open_on_use(
        __name__,
        "calls",
        "children",
        "configuration",
        "dynamic",
        "errors",
        "launcher",
        "report",
        "services",
        "spec",
        "supervisor",
        "telemetry",
    )

__all__ = [
    "AlreadyPresentError",
    "AlreadyStartedError",
    "BadSpecError",
    "ChildCounts",
    "ChildInfo",
    "ChildNotFoundError",
    "ChildRestartingError",
    "ChildRunningError",
    "ChildSpec",
    "ChildStartError",
    "Configuration",
    "CountChildren",
    "DelayReport",
    "DeleteChild",
    "DynamicSupervisor",
    "GetChildSpec",
    "LogOptions",
    "MaxChildrenError",
    "ProgressReport",
    "PrometheusOptions",
    "Reconfigure",
    "RestartChild",
    "StartChild",
    "SupervisionError",
    "Supervisor",
    "SupervisorReport",
    "SupervisorSpec",
    "Telemetry",
    "TelemetryOptions",
    "TerminateChild",
    "TreeGaveUpError",
    "UnsupportedRequestError",
    "WhichChild",
    "WhichChildren",
    "configured_services",
    "count_children",
    "delete_child",
    "get_child_spec",
    "launch",
    "load_configuration",
    "reconfigure",
    "restart_child",
    "service_tree",
    "start_child",
    "terminate_child",
    "which_child",
    "which_children",
]
