"""The pages for the people who run a contact centre: what is, what was, and a hand on the switch."""
