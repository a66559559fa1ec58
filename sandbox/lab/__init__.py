"""The lab: the deployed edge with packets in it, in network namespaces of this machine."""
