"""What runs are made from: deployments, their limits, parameters and schedules."""
