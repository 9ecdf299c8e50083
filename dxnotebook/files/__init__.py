"""What is saved: listings read, tables and frames written whole."""
