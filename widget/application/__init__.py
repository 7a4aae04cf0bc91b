"""The application: availability, surveys, launches and deliveries, over ports that adapters fit."""
