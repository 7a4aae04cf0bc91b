"""The two public answers, status and launcher, ready in memory."""
