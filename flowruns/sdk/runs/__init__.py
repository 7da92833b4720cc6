"""Running a flow or a task: its definition, its engine, its hooks, its result."""
