"""The pure heart: formats, custody, trust, the log and verification. No Prefect, Great Expectations, boto3 or torch."""
