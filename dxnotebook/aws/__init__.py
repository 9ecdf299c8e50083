"""The only room that speaks to AWS: clients, pages, listings, loads."""
