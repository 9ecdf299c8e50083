"""JSON in any form → Arrow records: typed by the model, nothing lost, secrets out."""
