"""What runs inside a cluster. Knows no cloud: everything it needs is in the plan and on the handle."""
