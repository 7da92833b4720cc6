"""A question and its answer between a page and the services: asked, typed, answered, told."""
