"""A cluster somebody else made: a kubeconfig and a context."""
