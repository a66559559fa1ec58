"""What a proxy droplet is made of, as text: nginx's configuration and the droplet's user data.

Everything here is a pure function of frozen settings. The same settings give the same bytes, on any
machine and on any day: no time, no random value and no name of the machine goes in, because a
changed byte of user data replaces the droplet.
"""
