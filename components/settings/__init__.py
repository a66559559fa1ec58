"""The stack's configuration, read once, checked whole, handed on as one frozen value.

Nothing else in the program reads `pulumi.Config`. `load` reads the configuration of the running
stack, `from_arguments` the arguments of a component; both end in the same checks, and either return
`Settings` or raise a `SettingsError` with every fault.

`fields`, `values`, `cdn`, `proxies`, `kill_switch`, `shift` and `all_settings` say what settings
there are, `checks`, `limits`, `declared`, `switchable` and `shiftable` whether values can be used,
`unknown` what other keys were meant for, `intended`, `numbers`, `texts` and `mending` what other
values were, `wording` and `commands` what is said of them, `loading` where they come from.
"""

from components.settings.all_settings import (
    KEYS,
    NAMESPACE,
    UNPROTECTED_STACK,
    Alarms,
    Dns,
    OriginLock,
    Settings,
    Traffic,
)
from components.settings.cdn import Distribution, Logs, Origin
from components.settings.kill_switch import KillSwitch
from components.settings.loading import SettingsError, from_arguments, load, parse, shift_of
from components.settings.proxies import Proxies
from components.settings.shift import Shift, ShiftBounds

__all__ = [
    "KEYS",
    "NAMESPACE",
    "UNPROTECTED_STACK",
    "Alarms",
    "Distribution",
    "Dns",
    "KillSwitch",
    "Logs",
    "Origin",
    "OriginLock",
    "Proxies",
    "Settings",
    "SettingsError",
    "Shift",
    "ShiftBounds",
    "Traffic",
    "from_arguments",
    "load",
    "parse",
    "shift_of",
]
