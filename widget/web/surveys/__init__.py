"""The addresses of surveys: forms in, pages out."""
