"""Outside judges of what is served: `make audit`. They are installed into `.tools/`, apart from the product."""
