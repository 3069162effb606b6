"""What the stand-ins for the providers of clouds share: the process, the judgement of inputs, names, and how a simulated account changes.

What a cloud knows by itself (its types, its words, what it refuses and what it says) is in a package of its own; `cloud.Cloud` is
what such a package must answer.
"""
