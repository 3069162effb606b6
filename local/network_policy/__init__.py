"""NetworkPolicies on the real pods of the local target: small, for one network namespace per region, and for nothing else.

`render` turns what the API server holds into one nftables table; `enforcer` keeps that table current; `announce` covers a
pod before its first process runs. Clouds enforce the same objects with their own network plugins.

All pods of a region hang on point-to-point links in its network namespace, so pod traffic is routed and passes the hook
`forward`. kube-proxy has replaced a service's address by a pod's before that, and masquerades after it, so both ends are
seen as they are. What the region's namespace itself sends or receives (probes of the kubelet, the API server, pods on the
host's network) passes `input` and `output`, which no policy touches: Kubernetes leaves traffic between a pod and its node
open, and here every pod of a region is on that node. A policy that would keep pods from the API server is not tested here.
"""
