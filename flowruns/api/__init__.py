"""The JSON API: Prefect 3.8's REST dialect over the services."""
