"""Functional data engineering, as a lesson: knows no Airflow, no Kubernetes, no JupyterHub."""
