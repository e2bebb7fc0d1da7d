"""The Prefect server child and what is shown on a run's page."""
