"""Being told when something happens in a mailbox: NOTIFY (RFC 5465), else IDLE (RFC 2177) and a look at the folders.

A signed-in connection is stripped to its socket and watched by the one thread of a `Switchboard`, whatever the number
of accounts. What is heard is a hint to look, nothing more.
"""
