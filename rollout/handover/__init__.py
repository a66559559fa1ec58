"""What serves a name is exchanged for other records, and the stack told that they are its own.

Two verbs do it: `adopt` makes weighted records of what serves today, `release` plain ones of the
path that has everybody. Both are a plan first, which is a function of the zone's records and of the
stack's state, and then four steps that can each be repeated: a backup, one change batch, the
setting `dns.records`, the state. A run that was killed and is started again sees in the zone, in
the file and in the state which steps were taken.
"""
