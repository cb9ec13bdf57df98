"""Time: windows and blackouts as moments, what is due when, and expensive work spread over days."""
