"""What resolvers and clients do after a change of weight.

`population` says who asks, `presets` names some, `weights` is the weight over time, `cells` and
`copies` draw the caches' state, `shares`, `bands`, `exposure` and `gates` make figures of it,
`foretelling` all of them for a schedule, `suggestion` the quickest schedule under bounds. Pure and
seeded: the same call has the same answer.

Nothing is imported here: whoever only asks for help need not wait for numpy.
"""
