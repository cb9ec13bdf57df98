"""Measurements, side by side with the bare tools; `./dev bench` lists them."""
