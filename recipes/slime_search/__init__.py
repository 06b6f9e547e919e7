"""A Search-R1-style agent under slime, scheduled by thunderagent: it answers questions of several hops with a search tool."""
