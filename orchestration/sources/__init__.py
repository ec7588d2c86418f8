"""Publications: one YAML file each, and the model that validates them. Adding a year is an edit of a file here, and a fixture."""
