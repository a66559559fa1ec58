"""What web ACLs and security groups do to each kind of client. Pure: nothing is read or sent."""
