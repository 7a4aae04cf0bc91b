"""The drop-in script: its served copies, their hashes, and how the small copy is built."""
