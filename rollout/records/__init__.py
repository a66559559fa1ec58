"""The records of a hosted zone: read, compare, changed in one batch, waited for.

Weights move as one. Route 53 takes a batch whole or not at all, so all members of all names and
both families get their weights in one batch, and no resolver ever sees a part of a step. A
deployment changes each record by itself instead; since weights add up to 100 before and after, no
moment of it lies outside the old and the new share either, but a batch has no such moments.

A change that got no answer is not sent again blindly: the zone is read back first, and where it has
what the batch makes, the batch was carried out.

Going forward, a batch deletes the exact records that were read and creates the new ones, so that
Route 53 itself refuses a caller who read, slept and then wrote. Going back uses UPSERT, which
always acts. Both cost the same quota.

Nothing here needs Pulumi, its engine or its state.

Source: Route 53 API Reference, ChangeResourceRecordSets, GetChange, ListResourceRecordSets.
"""
