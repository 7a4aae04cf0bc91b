"""Pages and launchers made from templates, and the texts in them."""
