"""What theme designers use: the preview, samples, the trial of a theme."""
