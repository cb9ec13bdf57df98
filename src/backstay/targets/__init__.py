"""Where copies lie: the stored pieces of a repository, seen without its engine."""
