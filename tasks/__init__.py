"""The meaning: what a dataset, a manifest, a model and a proof are."""
