"""Over a Ray cluster: the scheduler as an actor, gateways as a Serve deployment, engines found among actors."""
