"""What background loops do: expire, schedule, mark as late, release and give up."""
