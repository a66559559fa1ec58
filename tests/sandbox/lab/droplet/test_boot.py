"""A droplet booted from the user data that the proxy's code renders, with packets through it."""

import os
import threading
from typing import Final

from components.proxy.nginx import Proxy
from components.proxy.user_data import user_data

from support.droplet import FIRST, LOAD_BALANCER, RESERVED, Site

_USER_DATA: Final = user_data(Proxy(LOAD_BALANCER, "network", connections=100), 0)


def test_x(site: Site) -> None:
    with site.booted(_USER_DATA, RESERVED) as guest:
        import time, subprocess
        time.sleep(2)
        print(guest.errors())
        print(guest.journal())
        print(guest.is_ready(), guest.processes(), site.wire.addresses("lo"), site.wire.ip("-6 route show default"))
        print(site.reached())
        subprocess.run(["ps", "axf"])
        time.sleep(1)
        print(guest.journal()[-1000:])
