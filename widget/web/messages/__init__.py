"""The addresses at which visitors leave messages, and the mails made of them."""
