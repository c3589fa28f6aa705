module hops.example/tools/gateway-api

go 1.26

// No program: its CustomResourceDefinitions are what the tests install.
require sigs.k8s.io/gateway-api v1.4.1
