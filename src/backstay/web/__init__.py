"""The web page, still to come: it will ask `app` and show."""
