"""One night: what is to be done, what it takes at least, and when each job runs at which rate."""
