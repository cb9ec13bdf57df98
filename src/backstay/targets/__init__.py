"""Where copies lie: the stored pieces of a repository, seen without its engine, and the doors that lead to them."""
