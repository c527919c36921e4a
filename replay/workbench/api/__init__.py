"""The REST API of the workbench: each operation says what it takes and gives, and its document is made of that."""
