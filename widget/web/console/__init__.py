"""The pages for the people who run a contact centre: what is the case, what was, and what they close by hand."""
