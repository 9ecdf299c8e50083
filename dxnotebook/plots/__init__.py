"""A plot for each answer that is better seen than read."""
