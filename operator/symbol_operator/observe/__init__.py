"""What the cluster's objects say: each is read once, into a value. No side effects."""
