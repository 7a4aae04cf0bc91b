"""What designers of themes use: the preview, samples, the trial of a theme."""
