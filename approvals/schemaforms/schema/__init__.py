"""What a schema says: references followed, kinds of nodes, options, checks."""
